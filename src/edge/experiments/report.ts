// What was measured of an experiment, as the interface tells it.

import type { Experiment } from '../../contract/experiments.ts';
import type { ArmReport, AuditEntry, ExperimentReport, IntervalAnswer } from '../../contract/experiment-report.ts';
import { FALSE_ALARMS, type Decision } from '../../core/experiment/decide.ts';
import { contrastInterval, meanInterval, type Interval } from '../../core/experiment/intervals.ts';
import type { Moments } from '../../core/experiment/moments.ts';
import { quantile, type QuantileSketch } from '../../core/experiment/quantile-sketch.ts';
import type { Standing } from './state.ts';

/** One arm's sums, as they are kept. */
interface Sums {
  readonly units: number;
  readonly moments: Readonly<Record<string, Moments>>;
  readonly latencies: QuantileSketch;
}

/** What a report is made of. */
export interface ReportParts {
  readonly experiment: Experiment;
  readonly design: string;
  readonly standing: Standing;
  readonly decision: Decision;
  /** In the order of the experiment's arms. */
  readonly arms: readonly Sums[];
  readonly held: Sums;
  readonly shadow: Sums;
  readonly audit: AuditEntry[];
}

/** The report. Its intervals are each at 95 %; those of the guardrails share one 5 % among them. */
export function reportOf({ experiment, design, standing, decision, arms, held, shadow, audit }: ReportParts): ExperimentReport {
  const [control, ...treatments] = arms;
  const differences = treatments.flatMap((sums, i) =>
    Object.keys(sums.moments)
      .filter((metric) => metric in control.moments)
      .map((metric) => ({
        arm: experiment.arms[i + 1].name,
        metric,
        ...finite(contrastInterval(metric, sums.moments[metric], control.moments[metric], 1, FALSE_ALARMS)),
      })),
  );
  const { expected, observed, p_value, sequential_p_value, mismatch } = decision.sample_ratio;
  return {
    key: experiment.key,
    design,
    ...standing,
    arms: experiment.arms.map(({ name, config, weight }, i) => ({ name, config, weight, ...armOf(arms[i]) })),
    ...(experiment.holdout !== undefined && { holdout: { name: 'holdout', config: null, weight: null, ...armOf(held) } }),
    differences,
    sample_ratio: { expected: [...expected], observed: [...observed], p_value, sequential_p_value, mismatch },
    guardrails: decision.judgements.map(({ metric, arm, state, excess }) => ({
      metric,
      arm,
      state,
      ...(excess && { excess: finite(excess) }),
    })),
    ...(experiment.shadow !== undefined && { shadow: { config: experiment.shadow.config, ...shadowOf(shadow) } }),
    audit,
  };
}

function armOf({ units, moments, latencies }: Sums): Omit<ArmReport, 'name' | 'config' | 'weight'> {
  const failures = moments['error']?.x ?? 0;
  return {
    units,
    exposures: (moments['error']?.n ?? 0) - failures,
    failures,
    metrics: Object.fromEntries(
      Object.entries(moments).map(([metric, sums]) => [metric, { ...finite(meanInterval(metric, sums, FALSE_ALARMS)), samples: sums.n }]),
    ),
    latency_ms: quantilesOf(latencies),
  };
}

function shadowOf({ moments, latencies }: Sums): Omit<NonNullable<ExperimentReport['shadow']>, 'config'> {
  const failures = moments['error']?.x ?? 0;
  const mean = (metric: string): number | null => (moments[metric] === undefined ? null : moments[metric].x / moments[metric].n);
  return {
    answered: (moments['error']?.n ?? 0) - failures,
    failures,
    agreement: mean('agrees'),
    distance: mean('distance'),
    latency_ms: quantilesOf(latencies),
  };
}

function quantilesOf(latencies: QuantileSketch): ArmReport['latency_ms'] {
  const at = (q: number): number | null => orNull(quantile(latencies, q));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function finite({ estimate, low, high }: Interval): IntervalAnswer {
  return { estimate: orNull(estimate), low: orNull(low), high: orNull(high) };
}

/** JSON has no infinities. */
function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

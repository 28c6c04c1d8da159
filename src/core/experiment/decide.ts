// What to do with a running experiment: go on, freeze it, or send everyone back to the first arm. Looks may be as frequent as one likes; over
// the whole life of an experiment whose arms do not differ, the chance of any false alarm is at most `FALSE_ALARMS`.

import { contrastInterval, type Interval } from './intervals.ts';
import type { Moments } from './moments.ts';
import { SAMPLE_RATIO_ALPHA, sampleRatio, type SampleRatio } from './sample-ratio.ts';

/** Of all guardrails and the sample-ratio check together. */
export const FALSE_ALARMS = 0.05;

/** A limit that an arm must not pass; contract/experiments.ts has the schema. */
export interface GuardrailRule {
  readonly metric: string;
  readonly harm?: 'up' | 'down' | undefined;
  readonly margin: number;
  readonly relative: number;
  readonly min_samples: number;
  readonly min_units: number;
  readonly action: 'freeze' | 'rollback';
}

/** An arm as it was measured. */
export interface MeasuredArm {
  readonly name: string;
  readonly weight: number;
  /** Units that were sent its way. */
  readonly units: number;
  /** By metric. */
  readonly moments: Readonly<Record<string, Moments>>;
}

/** One guardrail on one arm. */
export interface Judgement {
  readonly metric: string;
  readonly arm: string;
  /** `waiting` for samples, `within` its limit for sure, `breached` for sure, or `unclear` so far. */
  readonly state: 'waiting' | 'within' | 'unclear' | 'breached';
  /** Harm beyond what is tolerated, for a latency as a share of the first arm's; above 0 is too much. Absent while waiting. */
  readonly excess?: Interval;
}

/** What to do, and why. */
export interface Decision {
  readonly action: 'continue' | 'freeze' | 'rollback';
  /** One sentence. */
  readonly reason: string;
  readonly judgements: readonly Judgement[];
  readonly sample_ratio: SampleRatio;
}

/**
 * Decides.
 * @param arms the first is the control
 */
export function decide(arms: readonly MeasuredArm[], guardrails: readonly GuardrailRule[]): Decision {
  const [control, ...treatments] = arms;
  const alpha = (FALSE_ALARMS - SAMPLE_RATIO_ALPHA) / Math.max(1, guardrails.length * treatments.length);
  const judged = guardrails.flatMap((rule) => treatments.map((arm) => ({ rule, judgement: judge(rule, arm, control, alpha) })));
  const ratio = sampleRatio(
    arms.map(({ units }) => units),
    arms.map(({ weight }) => weight),
  );
  const facts = { judgements: judged.map(({ judgement }) => judgement), sample_ratio: ratio };
  const breached = judged.filter(({ judgement }) => judgement.state === 'breached');
  const worst = breached.find(({ rule }) => rule.action === 'rollback') ?? breached.at(0);
  if (worst?.rule.action === 'rollback') return { action: 'rollback', reason: reasonOf(worst.rule, worst.judgement), ...facts };
  if (ratio.mismatch) return { action: 'freeze', reason: ratioReason(ratio), ...facts };
  if (worst !== undefined) return { action: 'freeze', reason: reasonOf(worst.rule, worst.judgement), ...facts };
  return { action: 'continue', reason: 'no guardrail is breached and the arms got their shares', ...facts };
}

function judge(rule: GuardrailRule, arm: MeasuredArm, control: MeasuredArm, alpha: number): Judgement {
  const { metric } = rule;
  const [b, a] = [arm.moments[metric], control.moments[metric]];
  const enough = (moments: Moments | undefined): moments is Moments =>
    moments !== undefined && moments.n >= rule.min_samples && moments.units >= rule.min_units;
  if (!enough(b) || !enough(a)) return { metric, arm: arm.name, state: 'waiting' };
  const excess = excessOf(rule, b, a, alpha);
  const state = excess.low > 0 ? 'breached' : excess.high <= 0 ? 'within' : 'unclear';
  return { metric, arm: arm.name, state, excess };
}

/** How far the arm is beyond the limit, harm counted upwards: `± (b − (1 ± relative) a) − margin`. */
function excessOf(rule: GuardrailRule, b: Moments, a: Moments, alpha: number): Interval {
  const sign = harmOf(rule) === 'up' ? 1 : -1;
  const { estimate, low, high } = contrastInterval(rule.metric, b, a, 1 + sign * rule.relative, alpha);
  return sign > 0
    ? { estimate: estimate - rule.margin, low: low - rule.margin, high: high - rule.margin }
    : { estimate: -estimate - rule.margin, low: -high - rule.margin, high: -low - rule.margin };
}

function harmOf({ harm, metric }: GuardrailRule): 'up' | 'down' {
  return harm ?? (metric === 'confidence' || metric.startsWith('outcome.') ? 'down' : 'up');
}

function reasonOf(rule: GuardrailRule, { metric, arm, excess }: Judgement): string {
  const by = excess === undefined ? '' : ` by ${round(excess.estimate)} (at least ${round(excess.low)})`;
  return `${metric} of ${arm} is ${harmOf(rule) === 'up' ? 'above' : 'below'} its limit${by}`;
}

function ratioReason({ observed, expected, sequential_p_value: p }: SampleRatio): string {
  return `the arms got ${observed.join(', ')} units where ${expected.map((count) => Math.round(count)).join(', ')} were due (p ${p.toExponential(1)})`;
}

function round(value: number): string {
  return Number(value.toPrecision(3)).toString();
}

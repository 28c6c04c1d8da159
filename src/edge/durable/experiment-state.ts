// The Durable Object that holds what was measured of one experiment design, and that freezes or rolls it back when a guardrail is breached.

import { DurableObject } from 'cloudflare:workers';
import type { Experiment } from '../../contract/experiments.ts';
import type { ExperimentHistory, ExperimentReport, ExperimentStatus } from '../../contract/experiment-report.ts';
import { decide, type Decision, type MeasuredArm } from '../../core/experiment/decide.ts';
import { valuesOf } from '../../core/experiment/metrics.ts';
import { addValues } from '../../core/experiment/moments.ts';
import { coverageAt } from '../../core/experiment/ramp.ts';
import { reportOf } from '../experiments/report.ts';
import type { Batch, Observation, Outcome, OutcomeResult, ShadowObservation, Standing } from '../experiments/state.ts';
import { HISTORY_MIGRATIONS, noteHistory, readHistory } from './experiment-history.ts';
import * as tables from './experiment-tables.ts';
import { migrate } from './migrate.ts';

const HOUR_MS = 3_600_000;
/** How long an outcome may come after its request, and for how many requests. A row is about 150 bytes. */
const REQUESTS_MS = 7 * 24 * HOUR_MS;
const REQUESTS = 1_000_000;
/** Longest time until every isolate has heard of a definition. */
const SETTLING_MS = 120_000;
/** Names of outcomes in one experiment. */
const OUTCOME_NAMES = 16;
/** Entries of the audit log in a report. */
const AUDIT_ENTRIES = 100;

/** What the guardrails made of it. */
interface Automatic {
  readonly status: 'frozen' | 'rolled_back';
  /** When it was frozen. */
  readonly coverage: number;
}

/** The definition that holds, and the one before. */
interface Known {
  readonly current: string;
  readonly last: string | undefined;
  readonly sinceMs: number;
}

/** By rising severity: the more severe of what is published and what the guardrails say holds. */
const SEVERITY: readonly ExperimentStatus[] = ['running', 'frozen', 'rolled_back', 'stopped'];

/** State of one experiment design. */
export class ExperimentState extends DurableObject {
  readonly #sql: SqlStorage;

  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(state, env);
    migrate(state.storage, [...tables.EXPERIMENT_MIGRATIONS, ...HISTORY_MIGRATIONS]);
    this.#sql = state.storage.sql;
  }

  /** Where the experiment stands; notes in the audit log when its definition is new. */
  standing(experiment: Experiment): Standing {
    const { kv } = this.ctx.storage;
    const nowMs = Date.now();
    const isCurrent = this.#noteDefinition(experiment, nowMs);
    const coverage = this.#frozenCoverage(experiment, coverageAt(experiment.coverage, experiment.ramp, nowMs), isCurrent);
    const automatic = kv.get<Automatic>('automatic');
    if (automatic === undefined) return { status: experiment.status, coverage };
    return { status: moreSevere(experiment.status, automatic.status), coverage: Math.min(coverage, automatic.coverage) };
  }

  /** Adds what an isolate saw, once, and looks whether that changes where the experiment stands. */
  async record(experiment: Experiment, batch: Batch): Promise<Standing> {
    const nowMs = Date.now();
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(nowMs + HOUR_MS);
    return this.ctx.storage.transactionSync(() => {
      if (!tables.isNewBatch(this.#sql, batch.id, nowMs)) return this.standing(experiment);
      const arms = tables.openArms(this.#sql);
      for (const observation of batch.observations) this.#observe(arms.of(armOf(observation)), observation, nowMs);
      for (const shadow of batch.shadows) observeShadow(arms.of(tables.SHADOW), shadow);
      arms.save();
      const standing = this.#look(experiment, arms);
      noteHistory(this.ctx.storage, nowMs, () => this.report(experiment, ''));
      return standing;
    });
  }

  /** Ties an outcome to the request that it is about. */
  feedback(experiment: Experiment, { tenant, id, name, value }: Outcome): OutcomeResult {
    return this.ctx.storage.transactionSync(() => {
      const request = tables.findRequest(this.#sql, tenant, id);
      if (request === undefined) return { kind: 'unknown' };
      const arm = request.arm === tables.HELD ? 'holdout' : (experiment.arms[request.arm]?.name ?? String(request.arm));
      if (request.outcomes.includes(name)) return { kind: 'repeated', arm };
      const arms = tables.openArms(this.#sql);
      const known = new Set(experiment.arms.flatMap((_, i) => Object.keys(arms.of(i).moments)).filter(isOutcome));
      const metric = `outcome.${name}`;
      if (!known.has(metric) && known.size >= OUTCOME_NAMES) return { kind: 'full' };
      tables.addToUnit(this.#sql, arms.of(request.arm), { id: request.unit, arm: request.arm }, { [metric]: value });
      tables.saveOutcomes(this.#sql, tenant, id, [...request.outcomes, name]);
      arms.save();
      this.#look(experiment, arms);
      return { kind: 'recorded', arm };
    });
  }

  /** Everything that is known about the experiment. */
  report(experiment: Experiment, design: string): ExperimentReport {
    const arms = tables.openArms(this.#sql);
    return reportOf({
      experiment,
      design,
      standing: this.standing(experiment),
      decision: decideOn(experiment, arms),
      arms: experiment.arms.map((_, i) => arms.of(i)),
      held: arms.of(tables.HELD),
      shadow: arms.of(tables.SHADOW),
      audit: tables.readAudit(this.#sql, AUDIT_ENTRIES),
    });
  }

  /** How its intervals moved. */
  history({ key }: Experiment, design: string): ExperimentHistory {
    return { key, design, points: readHistory(this.#sql) };
  }

  /** Forgets what is too old to matter, every hour while there is something to forget. */
  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    tables.forget(this.#sql, { batchesMs: nowMs - HOUR_MS, requestsMs: nowMs - REQUESTS_MS, requests: REQUESTS });
    if (!tables.isEmpty(this.#sql)) await this.ctx.storage.setAlarm(nowMs + HOUR_MS);
  }

  /**
   * Isolates hear of a new definition at unlike times; one that still has the last is no news.
   * @returns whether the definition is the one that holds now
   */
  #noteDefinition(experiment: Experiment, nowMs: number): boolean {
    const { kv } = this.ctx.storage;
    const text = JSON.stringify(experiment);
    const known = kv.get<Known>('definition');
    if (known?.current === text) return true;
    if (known?.last === text && nowMs - known.sinceMs < SETTLING_MS) return false;
    kv.put('definition', { current: text, last: known?.current, sinceMs: nowMs } satisfies Known);
    tables.audit(this.#sql, nowMs, 'published', publishedReason(experiment));
    return true;
  }

  /** A ramp that the operator froze stands where it stood when that was first heard of. */
  #frozenCoverage({ status }: Experiment, coverage: number, isCurrent: boolean): number {
    const { kv } = this.ctx.storage;
    const frozen = kv.get<number>('frozen_coverage');
    if (isCurrent && status === 'frozen' && frozen === undefined) kv.put('frozen_coverage', coverage);
    if (isCurrent && status !== 'frozen' && frozen !== undefined) kv.delete('frozen_coverage');
    return status === 'frozen' ? Math.min(coverage, frozen ?? coverage) : coverage;
  }

  #observe(sums: tables.ArmSums, observation: Observation, nowMs: number): void {
    const { id, tenant, unit, answered } = observation;
    const added = tables.addToUnit(this.#sql, sums, { id: unit, arm: armOf(observation) }, valuesOf(answered));
    if (!added || answered === undefined) return;
    tables.addLatency(sums, answered.latency_ms);
    tables.rememberRequest(this.#sql, tenant, id, unit, nowMs);
  }

  /** Decides anew. What the guardrails did stays done: another design, not more data, starts over. */
  #look(experiment: Experiment, arms: ReturnType<typeof tables.openArms>): Standing {
    const before = this.standing(experiment);
    if (before.status !== 'running' && before.status !== 'frozen') return before;
    const { action, reason } = decideOn(experiment, arms);
    if (action === 'continue' || (action === 'freeze' && before.status === 'frozen')) return before;
    const status = action === 'freeze' ? 'frozen' : 'rolled_back';
    this.ctx.storage.kv.put('automatic', { status, coverage: before.coverage } satisfies Automatic);
    tables.audit(this.#sql, Date.now(), action, reason);
    return { status, coverage: before.coverage };
  }
}

function armOf({ arm }: Observation): number {
  return arm === 'held' ? tables.HELD : arm;
}

function isOutcome(metric: string): boolean {
  return metric.startsWith('outcome.');
}

function observeShadow(sums: tables.ArmSums, shadow: ShadowObservation | 'failed'): void {
  if (shadow === 'failed') {
    addValues(sums.moments, {}, { error: 1 });
    return;
  }
  const { latency_ms, agrees, distance } = shadow;
  tables.addLatency(sums, latency_ms);
  addValues(
    sums.moments,
    {},
    { error: 0, ...(agrees !== undefined && { agrees: agrees ? 1 : 0 }), ...(distance !== undefined && { distance }) },
  );
}

function decideOn(experiment: Experiment, arms: ReturnType<typeof tables.openArms>): Decision {
  const measured = experiment.arms.map(({ name, weight }, i): MeasuredArm => ({ name, weight, ...arms.of(i) }));
  return decide(measured, experiment.guardrails);
}

function moreSevere(a: ExperimentStatus, b: ExperimentStatus): ExperimentStatus {
  return SEVERITY.indexOf(a) >= SEVERITY.indexOf(b) ? a : b;
}

function publishedReason({ status, coverage, ramp, guardrails }: Experiment): string {
  const steps = ramp === undefined ? '' : `, a ramp of ${ramp.steps.length} steps from ${ramp.start}`;
  return `status ${status}, coverage ${coverage}${steps}, ${guardrails.length} guardrails`;
}

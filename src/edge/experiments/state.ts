// What isolates and the state of an experiment say to each other.

import type { Experiment } from '../../contract/experiments.ts';
import type { ExperimentHistory, ExperimentReport, ExperimentStatus } from '../../contract/experiment-report.ts';
import type { Answered } from '../../core/experiment/metrics.ts';

/** How a request of an enrolled or held-back unit went. */
export interface Observation {
  /** Of the answer. */
  readonly id: string;
  /** Whose request it was. */
  readonly tenant: string;
  /** A hash of the unit, never itself. */
  readonly unit: string;
  /** The arm's index, or `held`. */
  readonly arm: number | 'held';
  /** Undefined when no origin answered. */
  readonly answered: Answered | undefined;
}

/** How a shadow's answer compares with the one that the caller got. */
export interface ShadowObservation {
  readonly latency_ms: number;
  /** Undefined where there is no label. */
  readonly agrees: boolean | undefined;
  /** Undefined where the two answered unlike tasks. */
  readonly distance: number | undefined;
}

/** What an isolate saw, sent once or, when an answer got lost, again under the same id. */
export interface Batch {
  readonly id: string;
  readonly observations: readonly Observation[];
  /** `failed` for a shadow that did not answer. */
  readonly shadows: readonly (ShadowObservation | 'failed')[];
}

/** Where an experiment stands. */
export interface Standing {
  readonly status: ExperimentStatus;
  /** Share of units that take part. */
  readonly coverage: number;
}

/** An outcome on its way to the request that it is about. */
export interface Outcome {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly value: number;
}

/** What became of an outcome: `unknown` when the request is, or is somebody else's; `full` when the experiment has too many names. */
export type OutcomeResult = { readonly kind: 'recorded' | 'repeated'; readonly arm: string } | { readonly kind: 'unknown' | 'full' };

/** The state of one experiment design; a Durable Object in a deployment. */
export interface ExperimentStore {
  standing(experiment: Experiment): Promise<Standing>;
  record(experiment: Experiment, batch: Batch): Promise<Standing>;
  feedback(experiment: Experiment, outcome: Outcome): Promise<OutcomeResult>;
  report(experiment: Experiment, design: string): Promise<ExperimentReport>;
  history(experiment: Experiment, design: string): Promise<ExperimentHistory>;
}

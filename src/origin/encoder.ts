// A model up to what its heads read, whatever way its method is served. Heads are the predictor's: they are never mixed.
//
// Letters: B rows, E experts of the pack, P gated parts, d hidden width.

import type { FloatTensor } from '../core/tensor.ts';
import type { ExpertPages } from './expert-pages.ts';
import type { PredictorRow } from './predictor.ts';

/** What a batch became. */
export interface EncodedRows {
  /** `[B, d]` */
  readonly pooled: FloatTensor;
  /** What the origin's router reads, `[B, d]`. */
  readonly features: FloatTensor;
  /** What each gated part chose, `[B, P, E]`; only where the model has gates. */
  readonly gates?: FloatTensor | undefined;
}

/** Counts of a mix's weights of its own since the pack was loaded, and how many have them now. */
export interface PromotionCounts {
  readonly promoted: number;
  readonly demoted: number;
  readonly held: number;
  readonly bytes: number;
}

/** An encoder that mixes experts row by row. */
export interface Encoder {
  /** Instances, each with sessions of its own, so that as many runs go on side by side. */
  readonly instances: number;
  /** Runs a batch on an instance, the first one where it is left out; one at a time on each. */
  run(rows: readonly PredictorRow[], instance?: number): Promise<EncodedRows>;
  /** Brings into memory what rows of this mix need, so that no run has to wait for it. */
  prepare?(mix: Float32Array): Promise<void>;
  /** Which of the waiting rows an instance's next run is made of, as indices; whoever comes first where it is left out. */
  choose?(waiting: readonly PredictorRow[], maxRows: number, instance?: number): readonly number[];
  /** Its experts one by one, where they are held so. */
  readonly pages?: ExpertPages;
  /** Lets go of what only makes runs faster; what is running goes on. */
  relieve?(): Promise<void>;
  /** Of weights that mixes have of their own. */
  promotions?(): PromotionCounts;
  /** Frees what the runtime holds. */
  release(): Promise<void>;
}

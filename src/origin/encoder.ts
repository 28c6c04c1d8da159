// A model up to what its heads read, whatever way its method is served. Heads are the predictor's: they are never mixed.
//
// Letters: B rows, E experts of the pack, P gated parts, d hidden width.

import type { FloatTensor } from '../core/tensor.ts';
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

/** An encoder that mixes experts row by row. */
export interface Encoder {
  /** Runs a batch; one at a time. */
  run(rows: readonly PredictorRow[]): Promise<EncodedRows>;
  /** Brings into memory what rows of this mix need, so that no run has to wait for it. */
  prepare?(mix: Float32Array): Promise<void>;
  /** Which of the waiting rows the next run is made of, as indices; whoever comes first where it is left out. */
  choose?(waiting: readonly PredictorRow[], maxRows: number): readonly number[];
  /** Frees what the runtime holds. */
  release(): Promise<void>;
}

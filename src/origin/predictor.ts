// A served model as the server sees it: it encodes texts, runs rows of a batch, and perhaps routes. The protocol and the batcher know
// only this, so they are tested without a graph; twin-predictor.ts is the real one.
//
// Letters: T tokens, E resident experts, C classes of an expert, d hidden width.

import type { Encoding } from '../formats/tokenizer.ts';
import type { TokenRow } from '../model/encoder-feeds.ts';
import type { PromotionCounts } from './encoder.ts';
import type { ExpertPages } from './expert-pages.ts';

/** An expert that this server holds. */
export interface ServedExpert {
  readonly name: string;
  /** Class names by index; one name for a regression. */
  readonly labels: readonly string[];
  readonly problem: 'classification' | 'regression';
}

/** One row of a batch: `ids` and `types` `[T]`, 1 ≤ T ≤ maxTokens, below `vocabulary` and `segments`. */
export interface PredictorRow extends TokenRow {
  /** Weight of each resident expert, `[E]`; what is missing to 1 is the shared model alone. */
  readonly mix: Float32Array;
}

/** What a row became. */
export interface PredictorOutput {
  /** Logits of an expert's head, by its index, `[C]`. Every head reads the same merged encoder. */
  logits(expert: number): Float32Array;
  /** What the origin's router reads, `[d]`. */
  readonly features: Float32Array;
  /** Weight of each expert of `gated`, the mean over the model's parts; only where the model has gates. */
  readonly gates?: Float32Array;
}

/** The origin router's word on one row. */
export interface RoutedRow {
  /** `[E]`; zero everywhere when it abstained. */
  readonly mix: Float32Array;
  /** Probability of each resident expert, `[E]`; what is missing to 1 went to experts that are not here. */
  readonly scores: Float32Array;
}

/** A model that is served. */
export interface Predictor {
  readonly name: string;
  /** The config's id. */
  readonly version: string;
  readonly experts: readonly ServedExpert[];
  readonly maxTokens: number;
  /** All experts of a pack with gates, resident or not: the gates weigh them, and a row's mix only chooses the head. */
  readonly gated?: readonly string[];
  /** Token ids are below this. */
  readonly vocabulary: number;
  /** Token types are below this. */
  readonly segments: number;
  encode(text: string, pair?: string): Encoding;
  /**
   * Brings into memory what rows of this mix need, so that no run has to wait for it, and the head that is to be asked for: that of the largest weight when left out.
   * @throws {TwinrouteError} `unavailable` for an expert that the operator has unloaded
   */
  prepare?(mix: Float32Array, head?: number): Promise<void>;
  /** How many runs go on side by side, each on an instance of its own; one where it is left out. */
  readonly instances?: number;
  /** Which waiting rows an instance's next run is made of, as indices; whoever comes first where it is left out. */
  choose?(waiting: readonly PredictorRow[], maxRows: number, instance?: number): readonly number[];
  /** Runs a batch on an instance, the first one where it is left out; one output per row, in order. */
  run(rows: readonly PredictorRow[], instance?: number): Promise<readonly PredictorOutput[]>;
  /**
   * Mixes from the features of a pass with empty mixes, each `[d]`; absent when the pack has no origin router.
   * @param topK overrides the policy's
   */
  route?(features: readonly Float32Array[], topK: number | undefined): Promise<readonly RoutedRow[]>;
  /** Its experts one by one, where they are held so. */
  readonly pages?: ExpertPages;
  /** Of weights that mixes have of their own. */
  promotions?(): PromotionCounts;
  /** Lets go of what only makes answers faster; what is running goes on. */
  relieve?(): Promise<void>;
  /** Frees the sessions. */
  release(): Promise<void>;
}

// Something whose throughput is measured: a way to serve with the mixes that are asked of it, here or in a process of its own.

import type { TokenRow } from '../../../../src/model/encoder-feeds.ts';
import type { LoopFigures } from './closed-loop.ts';

/** A subject. */
export interface Subject {
  /** Short and lasting: figures go by it. */
  readonly key: string;
  readonly name: string;
  /** The least share of the plain model's throughput. */
  readonly target?: number;
  /** What multiply-adds alone would leave of the plain model's. */
  readonly limit?: number;
  /** Serves the rows, whatever mixes it draws for them by the seed. */
  measure(rows: readonly TokenRow[], seed: number): Promise<LoopFigures>;
}

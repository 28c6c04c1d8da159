// Where AdaMerging stands, as a small JSON file: enough to go on to the same bit.

import * as z from 'zod/mini';
import { startAdam } from '../../core/adam.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import type { Checkpoint } from './adapt-input.ts';

const Numbers = z.array(z.number()).check(z.maxLength(1 << 24));

const AdaState = z.strictObject({
  /** What is learnt: content hash, engine and number of coefficients. A file of something else is not gone on from. */
  key: z.string(),
  adam: z.strictObject({ step: z.int().check(z.minimum(0)), values: Numbers, mean: Numbers, square: Numbers }),
  /** Coefficients of the lowest entropy on held-back texts so far. */
  best: z.strictObject({ step: z.int().check(z.minimum(0)), entropy: z.number(), values: Numbers }),
});
export type AdaState = z.infer<typeof AdaState>;

/** The state that a checkpoint holds, or undefined when it has none of this key. @throws {TwinrouteError} `format` for a damaged one */
export async function readAdaState(checkpoint: Checkpoint, key: string): Promise<AdaState | undefined> {
  const text = await checkpoint.read();
  if (text === undefined) return undefined;
  const state = parseJsonWith(AdaState, text, 'checkpoint of AdaMerging', 'format');
  return state.key === key ? state : undefined;
}

/** The state before the first step. */
export function startAdaState(key: string, values: readonly number[], entropy: number): AdaState {
  const adam = startAdam(values);
  return {
    key,
    adam: { step: 0, values: [...adam.values], mean: [...adam.mean], square: [...adam.square] },
    best: { step: 0, entropy, values: [...values] },
  };
}

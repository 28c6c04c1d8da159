// Where learning by falling entropy stands, as one JSON file: enough to go on to the same bit. Numbers are the base64 of their f64 bytes,
// little-endian, since gates have a million of them.

import * as z from 'zod/mini';
import { startAdam, type AdamState } from '../../core/adam.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import type { Checkpoint } from './adapt-input.ts';

/** Longest list of numbers: 16 million. */
const Numbers = z.string().check(z.maxLength((1 << 24) * 11));
const Step = z.int().check(z.minimum(0));

const StoredDescent = z.strictObject({
  key: z.string(),
  start_entropy: z.number(),
  adam: z.strictObject({ step: Step, values: Numbers, mean: Numbers, square: Numbers }),
  best: z.strictObject({ step: Step, entropy: z.number(), values: Numbers }),
});

/** Where learning stands. */
export interface Descent {
  /** What is learnt: content hash, engine and number of values. A file of something else is not gone on from. */
  readonly key: string;
  /** Entropy on held-back texts before the first step. */
  readonly startEntropy: number;
  readonly adam: AdamState;
  /** Values of the lowest entropy on held-back texts so far. */
  readonly best: { readonly step: number; readonly entropy: number; readonly values: readonly number[] };
}

/**
 * The state that a checkpoint holds, or undefined when it has none of this key.
 * @param count numbers of each list
 * @throws {TwinrouteError} `format` for a damaged one
 */
export async function readDescent(checkpoint: Checkpoint, key: string, count: number): Promise<Descent | undefined> {
  const text = await checkpoint.read();
  if (text === undefined) return undefined;
  const stored = parseJsonWith(StoredDescent, text, 'checkpoint of learning', 'format');
  if (stored.key !== key) return undefined;
  const numbers = (packed: string): number[] => unpack(packed, count);
  const { adam, best } = stored;
  return {
    key,
    startEntropy: stored.start_entropy,
    adam: { step: adam.step, values: numbers(adam.values), mean: numbers(adam.mean), square: numbers(adam.square) },
    best: { step: best.step, entropy: best.entropy, values: numbers(best.values) },
  };
}

/** Replaces what a checkpoint holds. */
export function writeDescent(checkpoint: Checkpoint, { key, startEntropy, adam, best }: Descent): Promise<void> {
  const stored: z.infer<typeof StoredDescent> = {
    key,
    start_entropy: startEntropy,
    adam: { step: adam.step, values: pack(adam.values), mean: pack(adam.mean), square: pack(adam.square) },
    best: { step: best.step, entropy: best.entropy, values: pack(best.values) },
  };
  return checkpoint.write(JSON.stringify(stored));
}

/** The state before the first step. */
export function startDescent(key: string, values: readonly number[], entropy: number): Descent {
  return { key, startEntropy: entropy, adam: startAdam(values), best: { step: 0, entropy, values } };
}

function pack(values: readonly number[]): string {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries()) bytes.writeDoubleLE(value, 8 * i);
  return bytes.toString('base64');
}

function unpack(packed: string, count: number): number[] {
  const bytes = Buffer.from(packed, 'base64');
  if (bytes.length !== 8 * count)
    throw new TwinrouteError('format', `checkpoint of learning: expected ${count} numbers, got ${bytes.length / 8}`);
  return Array.from({ length: count }, (_, i) => bytes.readDoubleLE(8 * i));
}

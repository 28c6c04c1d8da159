// Feeding tfjs in tests.

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as tfjs from '@tensorflow/tfjs';
import type { EncoderInputs } from '../../src/model/architecture.ts';
import type { RandomRow } from './random-twin.ts';

/** Where the wasm backend finds its modules. */
export const WASM_FOLDER = `${dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm')))}/`;

/** Rows padded to the longest. */
export function batchOf(tf: Pick<typeof tfjs, 'tensor2d'>, rows: readonly RandomRow[]): EncoderInputs<tfjs.Tensor> {
  const tokens = Math.max(...rows.map((row) => row.ids.length));
  const grid = (value: (row: RandomRow, t: number) => number) =>
    tf.tensor2d(
      rows.map((row) => Array.from({ length: tokens }, (_, t) => value(row, t))),
      [rows.length, tokens],
      'int32',
    );
  return {
    ids: grid((row, t) => row.ids[t] ?? 0),
    mask: grid((row, t) => (t < row.ids.length ? 1 : 0)),
    types: grid((row, t) => row.types[t] ?? 0),
  };
}

// One parameter of all experts as the diagnosis wants it: exact inner products where all are adapters, exact norms and the cosines of a
// seeded sample of rows otherwise. One dense tensor is in memory at a time.
//
// Letters: T experts, m × n a matrix (a vector counts as m × 1), r rank, s rows of the sample.

import { gramOfPairs, gramOfSamples } from '../../core/diagnose/gram.ts';
import type { ParameterView } from '../../core/diagnose/task-vectors.ts';
import { productEnergy } from '../../core/linalg/inner.ts';
import { energyOf, multiply, widen, type Dense } from '../../core/linalg/kernels.ts';
import type { FactorPair } from '../../core/linalg/low-rank-svd.ts';
import { createRandom } from '../../core/random.ts';
import type { FloatTensor } from '../../core/tensor.ts';
import type { ParameterSource } from '../../formats/checkpoint.ts';
import { toPair } from '../theta.ts';

/** Entries of the sample of one parameter; cosines of unrelated vectors then have a deviation of 0.004. */
const SAMPLE_ENTRIES = 1 << 16;

/** Runs a read of expert t's. */
export type Guard = <S>(t: number, read: () => Promise<S>) => Promise<S>;

/**
 * The view of one parameter, or undefined when no expert changes it.
 * @param guard runs every read, so that the caller can tell whose it was
 * Cost: one read an expert; K²(m + n)/2 multiply-adds for adapters of summed rank K, mn an expert for dense ones
 */
export async function viewParameter(
  name: string,
  readBase: () => Promise<FloatTensor>,
  sources: readonly ParameterSource[],
  seed: number,
  guard: Guard,
): Promise<ParameterView | undefined> {
  if (sources.every(({ kind }) => kind === 'same')) return undefined;
  const base = await readBase();
  const size = base.data.length;
  const m = base.shape[0];
  const n = size / m;
  const rows = sampleRows(m, Math.max(1, Math.floor(SAMPLE_ENTRIES / n)), seed, name);
  const energies = new Float64Array(sources.length);
  const samples: Float64Array[] = [];
  const pairs: (FactorPair | undefined)[] = [];
  for (const [t, source] of sources.entries()) {
    if (source.kind === 'same') {
      samples.push(new Float64Array(rows.length * n));
      pairs.push(undefined);
    } else if (source.kind === 'lora') {
      const pair = toPair(await guard(t, () => source.read()));
      samples.push(multiply(rowsOfFactor(pair, rows), widen(pair.a)).data); // [s, r] · [r, n]
      energies[t] = productEnergy(pair.b, pair.a);
      pairs.push(pair);
    } else {
      const { data } = await guard(t, () => source.read());
      for (let i = 0; i < size; i++) data[i] -= base.data[i];
      energies[t] = energyOf(data);
      samples.push(pickRows(data, rows, n));
    }
  }
  const factored = sources.every(({ kind }) => kind !== 'dense');
  return { name, size, baseEnergy: energyOf(base.data), gram: factored ? gramOfPairs(pairs) : gramOfSamples(energies, samples), samples };
}

/** `count` of m rows, ascending; all when there are no more. */
function sampleRows(m: number, count: number, seed: number, name: string): Uint32Array {
  const all = Uint32Array.from({ length: m }, (_, i) => i);
  return count >= m ? all : createRandom(seed, name).shuffle(all).subarray(0, count).sort();
}

/** Rows of `b`, `[s, r]`. */
function rowsOfFactor({ b }: FactorPair, rows: Uint32Array): Dense {
  return { rows: rows.length, cols: b.cols, data: pickRows(b.data, rows, b.cols) };
}

function pickRows(data: Float32Array, rows: Uint32Array, n: number): Float64Array {
  const picked = new Float64Array(rows.length * n);
  rows.forEach((row, i) => picked.set(data.subarray(row * n, (row + 1) * n), i * n));
  return picked;
}

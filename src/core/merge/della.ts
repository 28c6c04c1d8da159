// DELLA: like DARE, but the larger an entry of its row, the likelier it stays.

import { TwinrouteError } from '../errors.ts';
import type { Random } from '../random.ts';
import { combine } from './combine.ts';
import type { Parameters, TensorContext, TensorMethod } from './method.ts';
import { density, lambda, normalize, weight } from './shared-parameters.ts';

/** A row's index has to fit beside 31 bits of magnitude into the 53 of a double. */
const MAX_ROW = 1 << 22;

const facts = {
  kind: 'tensor',
  source: 'arXiv:2406.11617',
  needs: 'none',
  base: 'origin',
  experts: { min: 1, max: Infinity },
  expertParameters: {
    weight,
    density: density(0.5),
    epsilon: { default: 0.15, min: 0, max: 0.5, meaning: 'Half the range of the probabilities to stay, around the density.' },
  },
} as const;

/**
 * Within each row of τ_t (last axis), the entry of the rank-th smallest magnitude stays with probability
 * p = density − ε + 2ε·rank/(n − 1) and is divided by p; then the terms that agree with each entry's elected sign are averaged, times λ.
 * Source: Bansal et al. 2024, arXiv:2406.11617, section 2 (there ε is the whole range); ε 0.15 as mergekit documents it.
 * Deviates: mergekit rescales a tensor by one factor.
 */
export const della: TensorMethod = {
  ...facts,
  name: 'della',
  parameters: { lambda: lambda(1), normalize: normalize(1) },
  merge: (context) => mergePruned(context, true),
};

/** As `della`, but all terms are summed: θ0 + λ·Σ_t weight_t·τ_t. */
export const dellaLinear: TensorMethod = {
  ...facts,
  name: 'della_linear',
  parameters: { lambda: lambda(0.3), normalize: normalize(0) },
  merge: (context) => mergePruned(context, false),
};

async function mergePruned({ base, shape, vectors, parameters, experts, random }: TensorContext, elect: boolean): Promise<Float32Array> {
  const row = shape.at(-1) ?? 1;
  vectors.forEach((vector, t) => pruneRows(vector, row, experts[t], random));
  return combine(base, vectors, {
    weights: experts.map((expert) => expert['weight']),
    normalize: parameters['normalize'] === 1,
    lambda: parameters['lambda'],
    elect,
  });
}

/** In place. A density of 1 keeps all. */
function pruneRows(vector: Float32Array, row: number, { density, epsilon }: Parameters, random: Random): void {
  if (density === 1) return;
  if (!(density - epsilon > 0 && density + epsilon <= 1))
    throw new TwinrouteError('config', `della: expected density ± epsilon within 0 and 1, got ${density} ± ${epsilon}`, {
      param: 'epsilon',
    });
  if (row > MAX_ROW) throw new TwinrouteError('unsupported', `della: expected rows of at most ${MAX_ROW} entries, got ${row}`);
  const words = new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
  const keys = new Float64Array(row);
  for (let start = 0; start < vector.length; start += row) {
    for (let j = 0; j < row; j++) keys[j] = (words[start + j] & 0x7fffffff) * MAX_ROW + j;
    keys.sort();
    for (let rank = 0; rank < row; rank++) {
      const i = start + (keys[rank] % MAX_ROW);
      const keep = row === 1 ? density : density - epsilon + (2 * epsilon * rank) / (row - 1);
      vector[i] = random.uniform() < keep ? vector[i] / keep : 0;
    }
  }
}

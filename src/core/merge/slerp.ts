// Spherical interpolation: between two models, or between their task vectors.

import type { TensorMethod } from './method.ts';
import { weight } from './shared-parameters.ts';

/** Above these cosines the arc counts as a line. mergekit's slerp has the one, its nuslerp another. */
const STRAIGHT = { slerp: 0.9995, nuslerp: 1 - 1e-10 };

/**
 * sin((1 − t)Ω)/sin Ω · θ_1 + sin(tΩ)/sin Ω · θ_2, Ω the angle between the two, over the whole tensor; the straight line where they are
 * nearly parallel or one is zero. In a mergekit file θ_1 is the base model.
 * Source: Shoemake 1985, "Animating rotation with quaternion curves"
 */
export const slerp: TensorMethod = {
  kind: 'tensor',
  name: 'slerp',
  source: 'Shoemake 1985',
  needs: 'none',
  base: 'end',
  experts: { min: 2, max: 2 },
  parameters: { t: { default: 0.5, min: 0, max: 1, meaning: 'Where between the first model, 0, and the second, 1.' } },
  expertParameters: {},
  async merge({ base, vectors: [first, second], parameters: { t } }) {
    for (let i = 0; i < base.length; i++) {
      first[i] += base[i];
      second[i] += base[i];
    }
    const merged = new Float32Array(base.length);
    interpolate(first, second, t, merged, { from: 0, step: 1, count: base.length }, STRAIGHT.slerp);
    return merged;
  },
};

/**
 * θ0 + the spherical interpolation of τ_1 and τ_2 at t = weight_2 / (weight_1 + weight_2); without a base, that of θ_1 and θ_2.
 * `nuslerp_flatten: false` interpolates each row of a matrix on its own, each column with `nuslerp_row_wise`.
 * Source: mergekit's documentation, which calls the rows columns; mergekit 0.1.5 does as stated here.
 */
export const nuslerp: TensorMethod = {
  kind: 'tensor',
  name: 'nuslerp',
  source: 'mergekit',
  needs: 'none',
  base: 'optional',
  experts: { min: 2, max: 2 },
  parameters: {
    nuslerp_flatten: { default: 1, flag: true, min: 0, max: 1, meaning: 'Whether a tensor is one vector.' },
    nuslerp_row_wise: {
      default: 0,
      flag: true,
      min: 0,
      max: 1,
      meaning: 'Columns instead of rows, as mergekit does it, where a tensor is not one vector.',
    },
  },
  expertParameters: { weight },
  async merge({ base, shape, vectors: [first, second], parameters, experts }) {
    const [one, two] = experts.map((expert) => expert['weight']);
    const t = one + two === 0 ? 0.5 : two / (one + two);
    const merged = new Float32Array(base.length);
    for (const line of linesOf(shape, base.length, parameters['nuslerp_flatten'] === 1, parameters['nuslerp_row_wise'] === 1))
      interpolate(first, second, t, merged, line, STRAIGHT.nuslerp);
    for (let i = 0; i < base.length; i++) merged[i] += base[i];
    return merged;
  },
};

/** Entries of a tensor at equal distances. */
interface Line {
  readonly from: number;
  readonly step: number;
  readonly count: number;
}

function linesOf(shape: readonly number[], size: number, flat: boolean, columns: boolean): Line[] {
  if (flat || shape.length < 2) return [{ from: 0, step: 1, count: size }];
  const cols = shape[shape.length - 1];
  const rows = size / cols;
  return columns
    ? Array.from({ length: cols }, (_, j) => ({ from: j, step: cols, count: rows }))
    : Array.from({ length: rows }, (_, i) => ({ from: i * cols, step: 1, count: cols }));
}

function interpolate(a: Float32Array, b: Float32Array, t: number, out: Float32Array, { from, step, count }: Line, straight: number): void {
  let product = 0;
  let squareA = 0;
  let squareB = 0;
  const end = from + step * count;
  for (let i = from; i < end; i += step) {
    product += a[i] * b[i];
    squareA += a[i] * a[i];
    squareB += b[i] * b[i];
  }
  const [shareA, shareB] = sharesOf(product / Math.sqrt(squareA * squareB), t, straight);
  for (let i = from; i < end; i += step) out[i] = shareA * a[i] + shareB * b[i];
}

/** Factors of both ends; a cosine of NaN, where one has no direction, is the straight line. */
function sharesOf(cosine: number, t: number, straight: number): [number, number] {
  if (!(Math.abs(cosine) <= straight)) return [1 - t, t];
  const angle = Math.acos(cosine);
  const sine = Math.sin(angle);
  return [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
}

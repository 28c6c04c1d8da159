// What each tensor method computes, by small examples done by hand, and the numbered oracles of reference/merging.md (6 to 8).

import { describe, expect, test } from 'vitest';
import { multiply, narrow, rowOf, widen, zeros } from '../../../src/core/linalg/kernels.ts';
import { matmulPlain } from '../../../src/core/linalg/matmul.ts';
import { truncatedSvd } from '../../../src/core/linalg/svd.ts';
import { type GivenParameters, mergeTensor, resolveParameters } from '../../../src/core/merge/method.ts';
import { staticMethod } from '../../../src/core/merge/registry.ts';
import { createRandom } from '../../../src/core/random.ts';
import { gaussian, orthonormalRows, transpose, worstDifference } from '../linalg/matrices.ts';

interface Setting {
  readonly shape?: readonly number[];
  readonly base?: readonly number[];
  readonly parameters?: GivenParameters;
  readonly experts?: readonly GivenParameters[];
  readonly seed?: number;
}

/** θ_s − nothing: the merged tensor of plain numbers. */
async function merge(name: string, vectors: readonly (readonly number[] | Float32Array)[], setting: Setting = {}): Promise<number[]> {
  const method = staticMethod(name);
  const {
    shape = [vectors[0].length],
    base = vectors[0].map?.(() => 0) ?? [],
    parameters = {},
    experts = vectors.map(() => ({})),
    seed = 1,
  } = setting;
  const merged = await mergeTensor(method, {
    name: 'w',
    shape,
    base: Float32Array.from(base),
    vectors: vectors.map((vector) => Float32Array.from(vector)),
    parameters: resolveParameters(method.parameters, parameters, 'parameters'),
    experts: experts.map((expert) => resolveParameters(method.expertParameters, expert, 'models')),
    random: createRandom(seed, 'w'),
    matmul: matmulPlain,
  });
  return [...merged];
}

const ALL = { density: 1 };

describe('ties', () => {
  test('oracle 6: one expert, nothing trimmed: τ itself', async () => {
    const tau = gaussian(1, 50, 1).data;
    expect(await merge('ties', [tau], { parameters: { lambda: 1 }, experts: [ALL] })).toEqual([...tau]);
  });

  test('trims by count, elects by mass, averages what agrees', async () => {
    const vectors = [
      [4, 1, -3, 0.1],
      [2, -5, 0.2, 0.3],
    ];
    // Half of each is kept: [4, 0, −3, 0] and [2, −5, 0, 0].
    expect(await merge('ties', vectors, { parameters: { lambda: 1 }, experts: [{ density: 0.5 }, { density: 0.5 }] })).toEqual([
      3, -5, -3, 0,
    ]);
    expect(await merge('ties', vectors, { parameters: { lambda: 0.5, normalize: false }, experts: [ALL, ALL] })).toEqual([
      3,
      -2.5,
      -1.5,
      expect.closeTo(0.2),
    ]);
  });

  test('weights count in the election and in the average', async () => {
    expect(
      await merge('ties', [[1], [-2], [4]], {
        parameters: { lambda: 1 },
        experts: [
          { ...ALL, weight: 3 },
          { ...ALL, weight: 2 },
          { ...ALL, weight: 1 },
        ],
      }),
    ).toEqual([1.75]);
  });

  test('oracle 6: an entry whose sum is zero takes the sign of the majority, plus on a draw', async () => {
    const options = { parameters: { lambda: 1 }, experts: [ALL, ALL] };
    expect(
      await merge(
        'ties',
        [
          [2, -1, -1],
          [-2, -1, -3],
        ],
        options,
      ),
    ).toEqual([-2, -1, -2]);
    expect(
      await merge(
        'ties',
        [
          [2, 1],
          [-2, 1],
        ],
        options,
      ),
    ).toEqual([2, 1]);
    expect(await merge('ties', [[2], [-2]], options)).toEqual([2]);
  });
});

describe('dare', () => {
  test('oracle 7: the mean over seeds is τ; a seed gives the same numbers again', async () => {
    const tau = [1, -2, 3, 0.5];
    const options = { parameters: { lambda: 1 }, experts: [{ density: 0.4 }] };
    const runs = await Promise.all(Array.from({ length: 4000 }, (_, seed) => merge('dare_linear', [tau], { ...options, seed })));
    // Three standard errors: |τ|·√(0.6/0.4/4000).
    tau.forEach((value, i) =>
      expect(Math.abs(runs.reduce((sum, run) => sum + run[i], 0) / runs.length - value)).toBeLessThan(3 * Math.abs(value) * 0.0194),
    );
    for (const run of runs) run.forEach((value, i) => expect([0, Math.fround(tau[i] / 0.4)]).toContainEqual(expect.closeTo(value)));
    expect(await merge('dare_linear', [tau], { ...options, seed: 5 })).toEqual(runs[5]);
  });

  test('experts draw apart; without rescaling entries stay as they are; a density of 0 leaves the base', async () => {
    const ones = new Float32Array(200).fill(1);
    const experts = [{ density: 0.5 }, { density: 0.5 }];
    const merged = await merge('dare_linear', [ones, ones], { parameters: { lambda: 1, rescale: false }, experts });
    expect(new Set(merged)).toEqual(new Set([0, 1, 2]));
    expect(await merge('dare_linear', [[1, 2]], { base: [7, 8], experts: [{ density: 0 }] })).toEqual([7, 8]);
  });

  test('dare_ties elects among what stayed', async () => {
    const many = (value: number): Float32Array => new Float32Array(300).fill(value);
    const merged = await merge('dare_ties', [many(1), many(-3)], {
      parameters: { lambda: 1, rescale: false },
      experts: [{ density: 0.5 }, { density: 0.5 }],
    });
    expect(new Set(merged)).toEqual(new Set([0, 1, -3]));
  });
});

describe('della', () => {
  test('larger entries of a row stay more often, each with its own probability and rescaling', async () => {
    const row = [0.1, -4, 2];
    const probabilities = [0.4, 0.8, 0.6];
    const options = { shape: [2, 3], experts: [{ density: 0.6, epsilon: 0.2 }], parameters: { lambda: 1 } };
    const runs = await Promise.all(
      Array.from({ length: 4000 }, (_, seed) => merge('della_linear', [[...row, ...row]], { ...options, seed })),
    );
    probabilities.forEach((probability, j) => {
      for (const i of [j, j + 3]) {
        const kept = runs.filter((run) => run[i] !== 0);
        expect(kept.length / runs.length).toBeCloseTo(probability, 1);
        expect(Math.abs(kept.length / runs.length - probability)).toBeLessThan(0.025);
        for (const run of kept) expect(run[i]).toBeCloseTo(row[j] / probability, 5);
      }
    });
  });

  test('probabilities beyond 0 and 1 are refused; a density of 1 keeps all', async () => {
    await expect(merge('della', [[1, 2]], { experts: [{ density: 0.95 }] })).rejects.toMatchObject({ code: 'config', param: 'epsilon' });
    await expect(merge('della', [[1, 2]], { experts: [{ density: 0.1 }] })).rejects.toMatchObject({ code: 'config', param: 'epsilon' });
    expect(await merge('della', [[1, 2]], { experts: [ALL] })).toEqual([1, 2]);
  });
});

describe('breadcrumbs', () => {
  const tau = [1, -2, 3, -4, 5, -6, 7, -8, 9, -10];

  test('drops the largest, then the smallest', async () => {
    expect(await merge('breadcrumbs', [tau], { parameters: { lambda: 1 }, experts: [{ density: 0.5, gamma: 0.2 }] })).toEqual([
      0, 0, 0, -4, 5, -6, 7, -8, 0, 0,
    ]);
  });

  test('where the outliers are more than what may go, only so many go', async () => {
    expect(await merge('breadcrumbs', [tau], { parameters: { lambda: 1 }, experts: [{ density: 0.9, gamma: 0.3 }] })).toEqual([
      ...tau.slice(0, 9),
      0,
    ]);
  });

  test('breadcrumbs_ties elects signs', async () => {
    const experts = [
      { density: 1, gamma: 0 },
      { density: 1, gamma: 0 },
    ];
    expect(
      await merge(
        'breadcrumbs_ties',
        [
          [1, 2],
          [3, -5],
        ],
        { parameters: { lambda: 1 }, experts },
      ),
    ).toEqual([4, -5]);
  });
});

describe('sce', () => {
  test('selects by variance, weighs by energy, erases minorities', async () => {
    const vectors = [
      [1, 3, 0, 2],
      [1, -1, 0, 1],
    ];
    // Variances 0, 4, 0, 1/4: half of the positions are the second and the fourth; energies 13 and 2.
    expect(await merge('sce', vectors, { parameters: { select_topk: 0.5 } })).toEqual([0, 3, 0, expect.closeTo((13 * 2 + 2) / 15, 6)]);
  });
});

test('sce elects by the plain sum, whatever the weights', async () => {
  // Energies 9 and 49: weighted, the second's −1 would win over the first's 2.
  expect(
    await merge('sce', [
      [2, Math.sqrt(5)],
      [-1, Math.sqrt(48)],
    ]),
  ).toEqual([2, expect.closeTo((9 * Math.sqrt(5) + 49 * Math.sqrt(48)) / 58, 5)]);
});

describe('model_stock', () => {
  test('two vectors at 60°: t = 2·½ / (1 + ½)', async () => {
    const second = [0.5, Math.sqrt(3) / 2];
    const merged = await merge('model_stock', [[1, 0], second], { base: [10, 20] });
    expect(merged).toEqual([expect.closeTo(10 + (2 / 3) * 0.75, 5), expect.closeTo(20 + (2 / 3) * (second[1] / 2), 5)]);
  });

  test('filter_wise: each row by its own angle; orthogonal rows stay at the base, opposite ones too', async () => {
    const vectors = [
      [1, 0, 2, 2, 1, 1],
      [0, 1, 2, 2, -1, -1],
    ];
    expect(await merge('model_stock', vectors, { shape: [3, 2], parameters: { filter_wise: true } })).toEqual([0, 0, 2, 2, 0, 0]);
  });
});

describe('slerp and nuslerp', () => {
  test('a quarter turn: the norm stays, the angle is shared out', async () => {
    const merged = await merge(
      'slerp',
      [
        [2, 0],
        [0, 2],
      ],
      { parameters: { t: 1 / 3 } },
    );
    expect(merged).toEqual([expect.closeTo(2 * Math.cos(Math.PI / 6), 6), expect.closeTo(2 * Math.sin(Math.PI / 6), 6)]);
  });

  test('slerp is between the models, nuslerp between their task vectors', async () => {
    const ends = { base: [1, 1], parameters: { t: 0 } };
    expect(
      await merge(
        'slerp',
        [
          [1, 0],
          [0, 1],
        ],
        ends,
      ),
    ).toEqual([2, 1]);
    const merged = await merge(
      'nuslerp',
      [
        [1, 0],
        [0, 1],
      ],
      { base: [1, 1], experts: [{ weight: 1 }, { weight: 2 }] },
    );
    expect(merged).toEqual([expect.closeTo(1 + Math.cos(Math.PI / 3), 6), expect.closeTo(1 + Math.sin(Math.PI / 3), 6)]);
  });

  test('parallel, opposite and zero ends are joined by the line', async () => {
    expect(
      await merge(
        'slerp',
        [
          [1, 1],
          [3, 3],
        ],
        { parameters: { t: 0.25 } },
      ),
    ).toEqual([1.5, 1.5]);
    expect(
      await merge('slerp', [
        [1, 0],
        [-1, 0],
      ]),
    ).toEqual([0, 0]);
    expect(
      await merge('slerp', [
        [0, 0],
        [2, 4],
      ]),
    ).toEqual([1, 2]);
  });

  test('nuslerp by rows and by columns', async () => {
    const vectors = [
      [1, 0, 0, 1],
      [0, 0, 1, 1],
    ];
    const half = expect.closeTo(Math.SQRT1_2, 6);
    const flags = { nuslerp_flatten: false };
    expect(await merge('nuslerp', vectors, { shape: [2, 2], parameters: { ...flags, nuslerp_row_wise: true } })).toEqual([
      half,
      0,
      half,
      1,
    ]);
    const rows = await merge('nuslerp', vectors, { shape: [2, 2], parameters: flags });
    const angle = Math.PI / 4;
    const share = Math.sin(angle / 2) / Math.sin(angle);
    expect(rows).toEqual([0.5, 0, expect.closeTo(share, 6), expect.closeTo(2 * share, 6)]);
  });
});

describe('tsv', () => {
  test('oracle 8: experts in orthogonal subspaces: the sum of their truncated task vectors', async () => {
    const left = orthonormalRows(6, 12, 1);
    const right = orthonormalRows(6, 9, 2);
    // Each expert has 6 values; of these 9/3 = 3 are kept, and the kept ones of all experts are orthogonal only if 3 are all it has.
    const term = (from: number, values: readonly number[]): { data: Float32Array } => {
      const scaled = zeros(values.length, 12);
      values.forEach((value, i) =>
        scaled.data.set(
          rowOf(left, from + i).map((x) => value * x),
          i * 12,
        ),
      );
      return narrow(
        multiply(transpose(scaled), { rows: values.length, cols: 9, data: right.data.slice(from * 9, (from + values.length) * 9) }),
      );
    };
    const parts = [term(0, [5, 2]), term(2, [4, 1]), term(4, [3, 0.5])];
    const sum = parts[0].data.map((_, i) => parts.reduce((total, { data }) => total + data[i], 0));
    const merged = await merge(
      'tsv',
      parts.map(({ data }) => data),
      { shape: [12, 9] },
    );
    expect(worstDifference(merged, sum)).toBeLessThan(1e-5);
  });

  test('one expert: τ itself; a vector: the mean', async () => {
    const tau = gaussian(7, 5, 3).data;
    expect(worstDifference(await merge('tsv', [tau], { shape: [7, 5] }), tau)).toBeLessThan(1e-5);
    expect(
      await merge(
        'tsv',
        [
          [1, 2],
          [3, 6],
        ],
        { parameters: { alpha: 0.5 } },
      ),
    ).toEqual([1, 2]);
  });

  test('more experts than rows keep a direction each', async () => {
    const merged = await merge(
      'tsv',
      [
        [2, 0, 0],
        [0, 3, 0],
      ],
      { shape: [1, 3] },
    );
    expect(Math.hypot(...merged)).toBeCloseTo(Math.hypot(2, 3) / Math.SQRT2, 5);
  });
});

describe('iso_c', () => {
  test('the sum of task vectors with all values at their mean', async () => {
    const vectors = [gaussian(6, 8, 1).data, gaussian(6, 8, 2).data];
    const sum = vectors[0].map((value, i) => value + vectors[1][i]);
    const { s } = truncatedSvd({ rows: 6, cols: 8, data: sum }, 6);
    const merged = await merge('iso_c', vectors, { shape: [6, 8], parameters: { alpha: 1.5 } });
    const flat = truncatedSvd({ rows: 6, cols: 8, data: Float32Array.from(merged) }, 6);
    const mean = s.reduce((total, value) => total + value, 0) / 6;
    for (const value of flat.s) expect(value).toBeCloseTo(1.5 * mean, 5);
    // The directions are those of the sum: the product with its transpose is symmetric and positive.
    const product = multiply(
      widen({ rows: 6, cols: 8, data: Float32Array.from(merged) }),
      transpose(widen({ rows: 6, cols: 8, data: sum })),
    );
    expect(worstDifference(product.data, transpose(product).data)).toBeLessThan(1e-4);
  });

  test('experts of low rank: directions that nobody moved in stay zero', async () => {
    const [u, v] = [orthonormalRows(1, 6, 1), orthonormalRows(1, 8, 2)];
    const tau = narrow(multiply(transpose(u), v)).data;
    expect(
      worstDifference(
        await merge('iso_c', [tau, tau], { shape: [6, 8] }),
        tau.map((value) => 2 * value),
      ),
    ).toBeLessThan(1e-5);
  });
});

test('passthrough scales', async () => {
  expect(await merge('passthrough', [[1, 2]], { experts: [{ scale: 0.5 }] })).toEqual([0.5, 1]);
});

// Twin packs at many ranks and quantisations: the differences are decomposed once, and each config cuts, quantises and folds them as a build
// would. (A build decomposes anew, which for fifty configs would take longer than the rows.)

import { chooseRank, type RankSpec } from '../../../src/core/compress/rank.ts';
import { ranksOfBudget, type Budget } from '../../../src/core/compress/budget.ts';
import { componentBytes, dequantise, quantise, type FactorFormat } from '../../../src/core/compress/quantise.ts';
import type { Matrix } from '../../../src/core/linalg/matrix.ts';
import { floatTensor, type FloatTensor } from '../../../src/core/tensor.ts';
import type { Engine } from '../../../src/build/engine/engine.ts';
import { retune } from '../../../src/build/memory-pack.ts';
import { mergeParameter } from '../../../src/build/merge-parameter.ts';
import type { BuildPlan } from '../../../src/build/plan.ts';

/** Components that are kept of each difference; no config of the bench asks for more. */
const MOST = 64;

/** How ranks are chosen. */
export type RankChoice = RankSpec | { readonly budget: Budget };

/** The difference of one expert, or the fade, in one matrix. */
interface Difference {
  readonly parameter: string;
  /** Expert, or their number for the fade. */
  readonly t: number;
  readonly shape: readonly [m: number, n: number];
  /** `[m, R]` and `[R, n]`, √s in both. */
  readonly u: Matrix;
  readonly v: Matrix;
  /** Singular values, and the squared norm of the whole difference. */
  readonly s: Float64Array;
  readonly energy: number;
}

/** All differences of a pack before they are cut. */
export interface Differences {
  readonly experts: number;
  /** What modules are added to under a full mix. */
  readonly centre: ReadonlyMap<string, FloatTensor>;
  readonly all: readonly Difference[];
}

/** Decomposes a Twin pack over Task Arithmetic. @param open parameters that an expert changes, all of them matrices */
export async function decompose(
  plan: BuildPlan,
  engine: Engine,
  open: ReadonlySet<string>,
  about: 'shared' | 'base',
  lambda: number,
): Promise<Differences> {
  const { seed } = plan.config.parameters;
  const { method, parameters, expertParameters } = retune(plan, {
    ...plan.config,
    parameters: { ...plan.config.parameters, shared: 'task_arithmetic', lambda },
  });
  if (method.kind !== 'linear') throw new Error(`quality.bench: expected a linear method, got ${method.kind}`);
  const centre = new Map<string, FloatTensor>();
  const all: Difference[] = [];
  for (const parameter of open) {
    const base = await plan.base.readFloat(parameter);
    const [m, n] = base.shape;
    const merged = await mergeParameter(
      parameter,
      base,
      plan.experts.map(({ source }) => source.parameter(parameter)),
      { method, parameters, expertParameters, about, rankOf: () => ({ rank: MOST }), format: 'fp32', seed, matmul: engine.matmul },
    );
    centre.set(parameter, about === 'base' ? base : floatTensor(base.shape, merged.shared));
    for (let t = 0; t < plan.experts.length + (merged.fade === undefined ? 0 : 1); t++) {
      const module = t === plan.experts.length ? merged.fade : await merged.module(t);
      if (module?.kind !== 'factored') continue;
      const [u, v] = [dequantise(module.u), dequantise(module.v)];
      const s = valuesOf(v);
      const energy = s.reduce((sum, value) => sum + value * value, 0) / module.keptEnergy;
      all.push({ parameter, t, shape: [m, n], u, v, s, energy });
    }
  }
  return { experts: plan.experts.length, centre, all };
}

/** Squared norms of rows that have √s within. */
function valuesOf({ rows, cols, data }: Matrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, k) =>
    data.subarray(k * cols, (k + 1) * cols).reduce((sum, value) => sum + value * value, 0),
  );
}

/** A cut pack. */
export interface CutPack {
  readonly factorBytes: number;
  /** A parameter under the mix of expert t alone. */
  parameter(name: string, t: number): Promise<FloatTensor>;
}

/**
 * Cuts and quantises.
 * @throws {TwinrouteError} `config` for a budget that is too small
 */
export function cut({ experts, centre, all }: Differences, choice: RankChoice, format: FactorFormat, { matmul }: Engine): CutPack {
  const ranks = ranksOf(all, choice, format);
  const factorBytes = all.reduce((sum, { shape: [m, n] }, i) => sum + ranks[i] * componentBytes(format, m, n), 0);
  const places = new Map(all.map(({ parameter, t }, i) => [`${t} ${parameter}`, i]));
  return {
    factorBytes,
    async parameter(name, t) {
      const whole = centre.get(name);
      const place = places.get(`${t} ${name}`);
      if (whole === undefined || t >= experts) throw new Error(`quality.bench: expected a parameter and an expert, got ${name} and ${t}`);
      if (place === undefined) return whole;
      const { u, v } = all[place];
      const [left, right] = [firstColumns(u, ranks[place]), firstRows(v, ranks[place])];
      const { data } = await matmul(dequantise(quantise(left, format, 'columns')), dequantise(quantise(right, format, 'rows')));
      return floatTensor(
        whole.shape,
        whole.data.map((value, i) => value + data[i]),
      );
    },
  };
}

function ranksOf(all: readonly Difference[], choice: RankChoice, format: FactorFormat): readonly number[] {
  if (!('budget' in choice)) return all.map(({ s, energy, shape: [m, n] }) => Math.min(s.length, chooseRank(s, energy, choice, m, n)));
  const whole = new Map<number, number>();
  for (const { t, energy } of all) whole.set(t, (whole.get(t) ?? 0) + energy);
  return ranksOfBudget(
    all.map(({ t, shape, s }) => ({ shape, values: s, whole: whole.get(t) ?? 1 })),
    choice.budget,
    format,
  );
}

function firstColumns({ rows, cols, data }: Matrix, count: number): Matrix {
  const out = new Float32Array(rows * count);
  for (let i = 0; i < rows; i++) out.set(data.subarray(i * cols, i * cols + count), i * count);
  return { rows, cols: count, data: out };
}

function firstRows({ cols, data }: Matrix, count: number): Matrix {
  return { rows: count, cols, data: data.subarray(0, count * cols) };
}

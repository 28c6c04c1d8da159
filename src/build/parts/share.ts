// Which of a build's work one shard does. Parameters are merged one by one, each from its own tensors of the base and the experts alone, so that
// any cut between them gives the same bytes. A parameter that costs more than a shard's fair part (an embedding table, mostly) is cut further, by
// experts: each piece makes the shared tensor again, as modules are differences to it, and leaves other experts' decompositions to other pieces.
//
// Letters: m × n a matrix, T experts, K summed rank of the adapters, r rank kept.

import { partition } from '../../core/partition.ts';
import { sizeOf } from '../../core/tensor.ts';
import type { ParameterSpec } from '../../model/architecture.ts';
import type { BuildPlan } from '../plan.ts';

/** What is done of one parameter. */
export interface ParameterShare {
  /** Its shared tensor and its fade. */
  readonly shared: boolean;
  /** Experts whose modules of it, ascending. */
  readonly experts: readonly number[];
}

/** What is done of a build. */
export interface Share {
  /** undefined where there is nothing to do. */
  of(parameter: string): ParameterShare | undefined;
  /** Whether the experts' heads are in it. */
  readonly heads: boolean;
}

/** All of a build. */
export function wholeShare({ experts }: Pick<BuildPlan, 'experts'>): Share {
  const whole = { shared: true, experts: [...experts.keys()] };
  return { of: () => whole, heads: true };
}

/**
 * A build cut into disjoint shares of like cost, which are all of it together; the same for the same plan everywhere.
 * @param count at least 1
 */
export function cutShares(plan: BuildPlan, count: number): Share[] {
  const works = plan.model.parameters.map((parameter) => ({ ...costOf(plan, parameter), name: parameter.name }));
  const fair = works.reduce((sum, { shared, module }) => sum + shared + module * plan.experts.length, 0) / count;
  const pieces = works.flatMap(({ name, shared, module }) => cut(name, shared, module, plan.experts.length, fair));
  const binOf = partition(
    pieces.map(({ cost }) => cost),
    count,
  );
  const tables = Array.from({ length: count }, () => new Map<string, ParameterShare>());
  for (const [i, { name, ...piece }] of pieces.entries()) {
    const known = tables[binOf[i]].get(name) ?? { shared: false, experts: [] };
    const experts = [...known.experts, ...piece.experts].sort((a, b) => a - b);
    tables[binOf[i]].set(name, { shared: known.shared || piece.shared, experts });
  }
  return tables.map((table, index) => ({ of: (parameter) => table.get(parameter), heads: index === 0 }));
}

/** Multiply-adds of one parameter: what every piece of it has to do, and what each expert adds. */
interface Cost {
  readonly shared: number;
  readonly module: number;
}

interface Piece extends ParameterShare {
  readonly name: string;
  readonly cost: number;
}

function cut(name: string, shared: number, module: number, experts: number, fair: number): Piece[] {
  const count = module === 0 ? 1 : Math.min(experts, Math.max(1, Math.ceil((shared + module * experts) / fair)));
  return Array.from({ length: count }, (_, i) => {
    const own = Array.from({ length: experts }, (_none, t) => t).filter((t) => Math.floor((t * count) / experts) === i);
    return { name, shared: i === 0, experts: own, cost: shared + module * own.length };
  });
}

/** A decomposition's products by power iterations, in passes over the matrix. */
const PASSES = 10;
/** Columns that it draws beyond the rank. */
const OVERSAMPLE = 10;
/** Rank where only the data will tell. */
const UNKNOWN_RANK = 32;

/** An estimate from shapes and kinds alone: which shard does what must not depend on the machine. */
function costOf({ experts, rank, method, config }: BuildPlan, { name, shape }: ParameterSpec): Cost {
  const size = sizeOf(shape);
  const sources = experts.map(({ source }) => source.parameter(name));
  if (sources.every(({ kind }) => kind === 'same')) return { shared: size, module: 0 };
  const read = size * (1 + experts.length);
  if (config.merge_method === 'emr') return { shared: 2 * read, module: 0 };
  if (shape.length !== 2) return { shared: read, module: size };
  const [m, n] = shape;
  const short = Math.min(m, n);
  const kept = Math.min(short, expectedRank(rank, short));
  if (method.kind === 'linear' && sources.every(({ kind }) => kind !== 'dense')) {
    const stacked = sources.reduce((sum, source) => sum + (source.kind === 'lora' ? source.rank : 0), 0);
    return { shared: size * (1 + stacked), module: 2 * stacked ** 3 + 4 * (m + n) * stacked * kept };
  }
  return { shared: 2 * read, module: size * (1 + PASSES * Math.min(short, kept + OVERSAMPLE)) };
}

function expectedRank(rank: BuildPlan['rank'], short: number): number {
  if ('rank' in rank) return rank.rank;
  if ('density' in rank) return Math.max(1, Math.floor(rank.density * short));
  return 'budget' in rank && 'average_rank' in rank.budget ? rank.budget.average_rank : UNKNOWN_RANK;
}

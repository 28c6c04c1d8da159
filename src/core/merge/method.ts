// What a static merge method is: one row of the registry. A method sees one tensor at a time, so that memory stays a few tensors wide.
// Letters: `T` experts, in the order of the config.

import { TwinrouteError } from '../errors.ts';
import type { MatMul } from '../linalg/matrix.ts';
import type { Random } from '../random.ts';

/** One parameter of a method: a number, or a flag as 0 or 1. */
export interface ParameterSpec {
  /** As the paper has it, and what a pack uses. */
  readonly default: number;
  /** What a mergekit file that leaves it out means, where that is something else. */
  readonly mergekit?: number;
  readonly flag?: true;
  readonly min: number;
  readonly max: number;
  readonly meaning: string;
}

/** Parameter specs by name. */
export type ParameterTable = Readonly<Record<string, ParameterSpec>>;

/** Resolved parameters: a value for every name of the table. */
export type Parameters = Readonly<Record<string, number>>;

/** One tensor to merge. */
export interface TensorContext {
  /** The tensor's name in the checkpoint. */
  readonly name: string;
  readonly shape: readonly number[];
  /** θ0, not modified; zeros where a merge has no base, so that the vectors are the models themselves. */
  readonly base: Float32Array;
  /** τ_t = θ_t − θ0 in expert order, `T` of the length of `base`; **taken over**, a method may overwrite them. */
  readonly vectors: readonly Float32Array[];
  /** The method's own parameters. */
  readonly parameters: Parameters;
  /** Parameters of each expert, in expert order. */
  readonly experts: readonly Parameters[];
  /** A stream for this tensor alone, so that the order in which tensors are merged changes nothing. */
  readonly random: Random;
  readonly matmul: MatMul;
}

/** What every method states about itself. */
interface MethodFacts {
  /** As in the config's `shared` or `merge_method`. */
  readonly name: string;
  /** Paper or project that the rule comes from. */
  readonly source: string;
  /** What it needs beside the checkpoints. */
  readonly needs: 'none' | 'unlabelled' | 'labelled';
  /**
   * How θ0 enters. `origin`: differences are taken to it. `optional`: to it, or to zero when there is none. `unused`: not at all.
   * `end`: in a mergekit file it is itself the first of the two models; in a pack it is unused.
   */
  readonly base: 'origin' | 'optional' | 'unused' | 'end';
  /** Fewest and most experts that the rule is defined for. */
  readonly experts: { readonly min: number; readonly max: number };
  readonly parameters: ParameterTable;
  /** Parameters that each expert may have of its own. */
  readonly expertParameters: ParameterTable;
}

/** A method whose result is θ0 + Σ c_t·τ_t with the same c for every tensor: LoRA experts stay factored under it. */
export interface LinearMethod extends MethodFacts {
  readonly kind: 'linear';
  /** c, `[T]`. */
  coefficients(parameters: Parameters, experts: readonly Parameters[]): number[];
}

/** A method that needs the tensors themselves. */
export interface TensorMethod extends MethodFacts {
  readonly kind: 'tensor';
  /** The merged tensor θ_s, of the length of `base`; may lie in the buffer of one of the vectors. */
  merge(context: TensorContext): Promise<Float32Array>;
}

/** A static merge method. */
export type StaticMethod = LinearMethod | TensorMethod;

/** Parameters as a config gives them. */
export type GivenParameters = Readonly<Record<string, number | boolean | undefined>>;

/**
 * A value for every parameter of a table: the given one or the default. Flags become 0 or 1.
 * @param where what the parameters belong to, for messages, e.g. `parameters` or `models[2].parameters`
 * @throws {TwinrouteError} `config` for a name that the table lacks and for a value out of range
 */
export function resolveParameters(table: ParameterTable, given: GivenParameters, where: string): Parameters {
  const values = Object.entries(given).flatMap(([name, value]): [string, number][] => {
    if (value === undefined) return [];
    const param = `${where}.${name}`;
    if (Object.hasOwn(table, name)) return [[name, checkParameter(table[name], value, param)]];
    throw new TwinrouteError('config', `${param}: expected one of ${Object.keys(table).join(', ') || 'none'}, got ${name}`, { param });
  });
  const defaults = Object.entries(table).map(([name, spec]): [string, number] => [name, spec.default]);
  return Object.fromEntries([...defaults, ...values]);
}

/**
 * The value as a number within the parameter's range.
 * @throws {TwinrouteError} `config` when it is out of range, or a flag is no flag
 */
export function checkParameter({ flag, min, max }: ParameterSpec, value: number | boolean, param: string): number {
  const number = Number(value);
  const fits = flag === true ? number === 0 || number === 1 : typeof value === 'number' && number >= min && number <= max;
  if (fits) return number;
  const expected = flag === true ? 'true or false' : `a number from ${min} to ${max}`;
  throw new TwinrouteError('config', `${param}: expected ${expected}, got ${value}`, { param });
}

/**
 * Refuses a number of experts that a method is not defined for.
 * @throws {TwinrouteError} `config`
 */
export function checkExpertCount({ name, experts: { min, max } }: Pick<StaticMethod, 'name' | 'experts'>, count: number): void {
  if (count >= min && count <= max) return;
  const expected = min === max ? `${min}` : max === Infinity ? `at least ${min}` : `${min} to ${max}`;
  throw new TwinrouteError('config', `${name}: expected ${expected} models beside the base, got ${count}`, { param: 'models' });
}

/**
 * One tensor of the shared model by any method; may lie in the buffer of one of the vectors.
 * @throws {TwinrouteError} `numeric` when the result is not finite
 * Cost: T multiply-adds an entry for a linear method; the method's own otherwise
 */
export async function mergeTensor(method: StaticMethod, context: TensorContext): Promise<Float32Array> {
  const merged =
    method.kind === 'linear'
      ? addScaled(context.base, context.vectors, method.coefficients(context.parameters, context.experts), context.vectors[0])
      : await method.merge(context);
  if (isFinite(merged)) return merged;
  throw new TwinrouteError('numeric', `${method.name}: expected finite numbers in ${context.name}, got NaN or infinity`, {
    param: context.name,
  });
}

function isFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] - values[i] !== 0) return false; // NaN for NaN and infinity
  return true;
}

/** Entries summed at a time: small enough for a core's cache. */
const BLOCK = 4096;

/**
 * base + Σ coefficients[t]·vectors[t], summed in f64 and rounded once.
 * @param merged where the sum goes, a fresh buffer when left out; may be one of the vectors
 */
export function addScaled(
  base: Float32Array,
  vectors: readonly Float32Array[],
  coefficients: readonly number[],
  merged: Float32Array = new Float32Array(base.length),
): Float32Array {
  const sum = new Float64Array(Math.min(BLOCK, merged.length));
  for (let start = 0; start < merged.length; start += BLOCK) {
    const count = Math.min(BLOCK, merged.length - start);
    for (let i = 0; i < count; i++) sum[i] = base[start + i];
    let t = 0;
    // Two vectors at a time halve the loads and stores of the sum.
    for (; t + 1 < vectors.length; t += 2) {
      const [a, b, x, y] = [coefficients[t], coefficients[t + 1], vectors[t], vectors[t + 1]];
      for (let i = 0; i < count; i++) sum[i] += a * x[start + i] + b * y[start + i];
    }
    for (; t < vectors.length; t++) {
      const [a, x] = [coefficients[t], vectors[t]];
      for (let i = 0; i < count; i++) sum[i] += a * x[start + i];
    }
    for (let i = 0; i < count; i++) merged[start + i] = sum[i];
  }
  return merged;
}

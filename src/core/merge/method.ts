// What a static merge method is: one row of the registry. A method sees one tensor at a time, so that memory stays a few tensors wide.
// Letters: `T` experts, in the order of the config.

import { TwinrouteError } from '../errors.ts';
import type { MatMul } from '../linalg/matrix.ts';
import type { Random } from '../random.ts';

/** One numeric parameter of a method. */
export interface ParameterSpec {
  readonly default: number;
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
  /** θ0, not modified. */
  readonly base: Float32Array;
  /** τ_t = θ_t − θ0 in expert order, `T` of the length of `base`, not modified. */
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
  /** The merged tensor θ_s, a fresh buffer of the length of `base`. */
  merge(context: TensorContext): Promise<Float32Array>;
}

/** A static merge method. */
export type StaticMethod = LinearMethod | TensorMethod;

/**
 * A value for every parameter of a table: the given one or the default.
 * @param where what the parameters belong to, for messages, e.g. `parameters` or `models[2].parameters`
 * @throws {TwinrouteError} `config` for a name that the table lacks and for a value out of range
 */
export function resolveParameters(table: ParameterTable, given: Readonly<Record<string, number | undefined>>, where: string): Parameters {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const param = `${where}.${name}`;
    if (!Object.hasOwn(table, name)) {
      throw new TwinrouteError('config', `${param}: expected one of ${Object.keys(table).join(', ') || 'none'}, got ${name}`, { param });
    }
    const { min, max } = table[name];
    if (!(value >= min && value <= max))
      throw new TwinrouteError('config', `${param}: expected a number from ${min} to ${max}, got ${value}`, { param });
  }
  return Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, given[name] ?? spec.default]));
}

/**
 * One tensor of the shared model by any method, a fresh buffer.
 * @throws {TwinrouteError} `numeric` when the result is not finite
 * Cost: T multiply-adds an entry for a linear method; the method's own otherwise
 */
export async function mergeTensor(method: StaticMethod, context: TensorContext): Promise<Float32Array> {
  const merged =
    method.kind === 'linear'
      ? addScaled(context.base, context.vectors, method.coefficients(context.parameters, context.experts))
      : await method.merge(context);
  if (merged.every(Number.isFinite)) return merged;
  throw new TwinrouteError('numeric', `${method.name}: expected finite numbers in ${context.name}, got NaN or infinity`, {
    param: context.name,
  });
}

/** base + Σ coefficients[t]·vectors[t], summed in f64 and rounded once. Fresh buffer. */
export function addScaled(base: Float32Array, vectors: readonly Float32Array[], coefficients: readonly number[]): Float32Array {
  const sum = Float64Array.from(base);
  vectors.forEach((vector, t) => {
    const c = coefficients[t];
    for (let i = 0; i < sum.length; i++) sum[i] += c * vector[i];
  });
  return Float32Array.from(sum);
}

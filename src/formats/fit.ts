// Holds the tensors of a model folder against the parameters that its architecture has, and says what does not fit by name.

import { TwinrouteError } from '../core/errors.ts';
import { sameShape } from '../core/tensor.ts';
import type { Weights } from './weights.ts';

/** A parameter by its name without prefix. */
export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What of an architecture a checkpoint reader has to know. */
export interface ModelLayout {
  /** Hugging Face `model_type`. */
  readonly type: string;
  /** The encoder's fields of config.json; an expert that states another value for one of them does not fit. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Prefixes that a checkpoint may put before parameter names. */
  readonly prefixes: readonly string[];
  /** In checkpoint order, heads excluded. */
  readonly parameters: readonly ParameterShape[];
  /** Width that heads read. */
  readonly width: number;
}

/** How many misfits a message names. */
const NAMED_MISFITS = 5;

/** Buffers that old checkpoints store although they follow from the config. */
const BUFFER = /(^|\.)embeddings\.(position_ids|token_type_ids)$/;

/** Stored names of parameters, and the stored names that are none. */
export interface NameMatch {
  readonly prefix: string;
  /** By canonical name. */
  readonly stored: ReadonlyMap<string, string>;
  /** Neither parameters nor known buffers. */
  readonly rest: readonly string[];
}

/**
 * Matches stored names to wanted ones under the prefix that fits most of them.
 * TensorFlow's names of layer norms, `gamma` and `beta`, which old checkpoints kept, count as `weight` and `bias`.
 */
export function matchNames(stored: readonly string[], wanted: readonly string[], prefixes: readonly string[]): NameMatch {
  const byModernName = new Map(stored.map((name) => [name.replace(/\.gamma$/, '.weight').replace(/\.beta$/, '.bias'), name]));
  const matches = prefixes.map((prefix) => {
    const found = wanted.flatMap((name): [string, string][] => {
      const storedName = byModernName.get(prefix + name);
      return storedName === undefined ? [] : [[name, storedName]];
    });
    return { prefix, stored: new Map(found) };
  });
  const best = matches.reduce((a, b) => (b.stored.size > a.stored.size ? b : a));
  const used = new Set(best.stored.values());
  return { ...best, rest: stored.filter((name) => !used.has(name) && !BUFFER.test(name)) };
}

/** Spells a shape. */
export function spell(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** One line for each parameter that is missing or has another shape. */
export function findMisfits(
  wanted: readonly ParameterShape[],
  stored: ReadonlyMap<string, string>,
  weights: Pick<Weights, 'shape'>,
): string[] {
  return wanted.flatMap(({ name, shape }) => {
    const storedName = stored.get(name);
    if (storedName === undefined) return [`missing ${name} ${spell(shape)}`];
    const found = weights.shape(storedName);
    return sameShape(found, shape) ? [] : [`${storedName} should be ${spell(shape)}, is ${spell(found)}`];
  });
}

/**
 * Refuses a model that does not fit, naming up to five misfits.
 * @throws {TwinrouteError} `incompatible` unless the list is empty
 */
export function refuseMisfits(title: string, misfits: readonly string[]): void {
  if (misfits.length === 0) return;
  const more = misfits.length > NAMED_MISFITS ? `; and ${misfits.length - NAMED_MISFITS} more` : '';
  throw new TwinrouteError(
    'incompatible',
    `${title}: expected a model that fits its base, got: ${misfits.slice(0, NAMED_MISFITS).join('; ')}${more}`,
  );
}

// Reads a verb's options as what they mean, with one clear usage error each.

import { TwinrouteError } from '../core/errors.ts';
import type { Values } from './verb.ts';

/** The option's text, or undefined when it was not given. */
export function textOption(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/**
 * The option's text.
 * @throws {TwinrouteError} `usage` when it is missing
 */
export function requiredOption(values: Values, name: string): string {
  const value = textOption(values, name);
  if (value !== undefined && value !== '') return value;
  throw new TwinrouteError('usage', `expected --${name} with a value`, { param: name });
}

/** What was given of an option that may be repeated. */
export function listOption(values: Values, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value : [];
}

/**
 * The option's whole number, or undefined when it was not given.
 * @throws {TwinrouteError} `usage` when it is no whole number in [min, max]
 */
export function integerOption(values: Values, name: string, min: number, max: number): number | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new TwinrouteError('usage', `--${name}: expected a whole number from ${min} to ${max}, got "${text}"`, { param: name });
}

/**
 * Exactly `count` positionals.
 * @throws {TwinrouteError} `usage` when there are more or fewer
 */
export function exactly(positionals: readonly string[], count: number, what: string): readonly string[] {
  if (positionals.length === count) return positionals;
  throw new TwinrouteError(
    'usage',
    `expected ${what}, got ${positionals.length === 0 ? 'nothing' : positionals.map((text) => `"${text}"`).join(' ')}`,
  );
}

// A mix: how much of which expert's exclusive module a request gets. What the weights leave to 1 is the shared model alone, so that
// the empty mix is a full abstention.

import { TwinrouteError } from './errors.ts';

/** One weight of a mix. */
export interface MixEntry {
  readonly expert: string;
  /** Above 0. */
  readonly weight: number;
}

/** Experts with their weights, heaviest first, no expert twice, sum at most 1. */
export type Mix = readonly MixEntry[];

/** How far above 1 a sum may be: weights travel as decimals. */
const SUM_TOLERANCE = 1e-6;

/**
 * A checked mix: zeros dropped, heaviest first, equal weights in the order of `experts`.
 * @param input `{expert: weight}` or a list of entries
 * @param experts every expert that exists, in the order that breaks ties
 * @throws {TwinrouteError} `invalid_request` naming the entry for an unknown or repeated expert, for a weight that is negative or not
 *   finite, and for a sum above 1
 */
export function parseMix(input: Readonly<Record<string, number>> | Mix, experts: readonly string[]): Mix {
  const entries = isList(input) ? input : Object.entries(input).map(([expert, weight]) => ({ expert, weight }));
  const order = new Map(experts.map((expert, i) => [expert, i]));
  const seen = new Set<string>();
  let sum = 0;
  for (const { expert, weight } of entries) {
    const param = `mix.${expert}`;
    if (!order.has(expert)) throw invalid(param, `one of ${experts.join(', ')}`, JSON.stringify(expert));
    if (seen.has(expert)) throw invalid(param, 'each expert once', `${expert} twice`);
    if (!Number.isFinite(weight) || weight < 0) throw invalid(param, 'a finite weight of at least 0', String(weight));
    seen.add(expert);
    sum += weight;
  }
  if (sum > 1 + SUM_TOLERANCE) throw invalid('mix', 'weights whose sum is at most 1', String(sum));
  const place = (entry: MixEntry): number => order.get(entry.expert) ?? 0;
  return entries
    .filter(({ weight }) => weight > 0)
    .map(({ expert, weight }) => ({ expert, weight }))
    .sort((a, b) => b.weight - a.weight || place(a) - place(b));
}

/**
 * The mix as a dense vector: entry i is the weight of `order[i]`, 0 where the mix has none. Shape `[order.length]`.
 * Experts of the mix that `order` lacks are left out: an endpoint holds only some.
 */
export function mixVector(mix: Mix, order: readonly string[]): Float32Array {
  const weights = new Map(mix.map(({ expert, weight }) => [expert, weight]));
  return Float32Array.from(order, (expert) => weights.get(expert) ?? 0);
}

function isList(input: Readonly<Record<string, number>> | Mix): input is Mix {
  return Array.isArray(input);
}

function invalid(param: string, expected: string, got: string): TwinrouteError {
  return new TwinrouteError('invalid_request', `${param}: expected ${expected}, got ${got}`, { param });
}

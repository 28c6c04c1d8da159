// What a request costs, by a third interpreter of an architecture: it runs the definition over numbers of tokens and adds up products.
//
// Letters: T tokens, m × n a matrix, R the ranks of all experts' modules of one parameter added up, d hidden width, C classes of all heads.

import { gateMix, gateParameters, type Gates } from './gate.ts';
import type { OpenArchitecture } from './registry.ts';
import type { Ops } from './ops.ts';

/** Multiply-adds of one request. */
export interface Macs {
  /** Of the shared matrices: `m · n` for each token that passes. */
  readonly shared: number;
  /** Of attention's scores and of mixing by them: `2 · T² · d` a layer. */
  readonly attention: number;
  /** Of factors beside the shared matrices: `R · (m + n)` a token, `R · n` for a table of rows, and once a request each vector's changes; and of gates. */
  readonly modules: number;
  /** Of all heads: `C · d`. */
  readonly heads: number;
}

/** What the experts in memory add to a parameter, whatever the request's mix: a graph computes all of them and weighs the results. */
export interface AddedWork {
  /** Ranks of all modules of a matrix added up, or how many experts change a vector. */
  size(parameter: string): number;
  /** Classes of all heads. */
  readonly classes: number;
  /** Gates over so many experts. */
  readonly gates?: (Gates & { readonly experts: number }) | undefined;
}

/**
 * Multiply-adds of one request of T tokens. Only products count: sums, norms, activations and look-ups are a few a value.
 * Cost: one run of the definition over numbers
 */
export function countMacs(model: OpenArchitecture, tokens: number, added: AddedWork): Macs {
  const { architecture, config, parameters, width } = model;
  const { gates } = added;
  const ofGates = gates === undefined ? [] : gateParameters(model, gates, gates.experts);
  const shapes = new Map([...parameters, ...ofGates].map(({ name, shape }) => [name, shape]));
  const total = { shared: 0, attention: 0, modules: 0 };
  const sizes = (name: string): readonly number[] => shapes.get(name) ?? [0, 0];
  const vector = (name: string): void => void (total.modules += added.size(name) * sizes(name)[0]);
  const table = (name: string, rows: number): number => {
    total.modules += rows * added.size(`${name}.weight`) * sizes(`${name}.weight`)[1];
    return rows;
  };
  // A value is how many of the request's tokens it has.
  const ops: Ops<number> = {
    embed: table,
    embedPositions: table,
    linear(name, x) {
      const [m, n] = sizes(`${name}.weight`);
      total.shared += x * m * n;
      total.modules += x * added.size(`${name}.weight`) * (m + n);
      vector(`${name}.bias`);
      return x;
    },
    layerNorm(name, x) {
      vector(`${name}.weight`);
      vector(`${name}.bias`);
      return x;
    },
    attention(q) {
      total.attention += 2 * q * q * width;
      return q;
    },
    add: (a) => a,
    gelu: (x) => x,
    relu: (x) => x,
    tanh: (x) => x,
    firstToken: () => 1,
    meanTokens: () => 1,
    gated(part, x, mask) {
      if (gates === undefined) return ops;
      const before = total.shared;
      gateMix(ops, gates, part, x, mask);
      total.modules += total.shared - before;
      total.shared = before;
      return ops;
    },
  };
  architecture.encode(ops, config, { ids: tokens, mask: tokens, types: tokens });
  return { ...total, heads: added.classes * width };
}

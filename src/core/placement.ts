// Which endpoint answers a mix, and with how much of it. Pure: who is healthy and who is chosen among equals are told by the caller.
//
// Letters: E endpoints, k experts of the mix.

import type { Mix } from './mix.ts';

/** One origin address as placement sees it. */
export interface PlacementEndpoint {
  readonly id: string;
  /** Experts it holds; `*` for all. */
  readonly experts: '*' | readonly string[];
  /** Configs it serves; undefined means any. */
  readonly configs?: readonly string[] | undefined;
}

/** What has to be placed. */
export interface PlacementRequest {
  readonly config: string;
  /** Weights > 0 over distinct experts; empty for the shared model alone. */
  readonly mix: Mix;
  /** Experts whose head may answer, best first; at least one. */
  readonly heads: readonly string[];
}

/** Where a request goes and what is asked for there. */
export interface Placement<E extends PlacementEndpoint> {
  readonly endpoint: E;
  /** The part of the mix that the endpoint holds, in the mix's order and with its weights: what is cut falls back to the shared model. */
  readonly mix: Mix;
  /** The first of `heads` that the endpoint holds. */
  readonly head: string;
  /** Share of the mix's weight that is served, in [0, 1]; exactly 1 when nothing is cut. */
  readonly covered: number;
}

/** Whether an endpoint holds an expert. */
export function holds(endpoint: PlacementEndpoint, expert: string): boolean {
  return endpoint.experts === '*' || endpoint.experts.includes(expert);
}

/**
 * The best place for a request: among accepted endpoints that serve the config and hold at least one head, those with the first head come
 * first, then those that cover more of the mix, then those with an earlier head.
 * @param accepts whether an endpoint may be used now
 * @param choose picks one of the places that are equal in all of it
 * @param mostOf experts that an endpoint mixes at most; the heaviest stay
 * @returns undefined when no accepted endpoint can answer
 * Cost: O(E · (k + heads)) look-ups
 */
export function place<E extends PlacementEndpoint>(
  request: PlacementRequest,
  endpoints: readonly E[],
  accepts: (endpoint: E) => boolean,
  choose: (equals: readonly Placement<E>[]) => Placement<E>,
  mostOf: (endpoint: E) => number = () => Infinity,
): Placement<E> | undefined {
  const wanted = weightOf(request.mix);
  let best: (Placement<E> & { readonly rank: number })[] = [];
  for (const endpoint of endpoints) {
    if (endpoint.configs !== undefined && !endpoint.configs.includes(request.config)) continue;
    const rank = request.heads.findIndex((head) => holds(endpoint, head));
    if (rank < 0 || !accepts(endpoint)) continue;
    const mix = request.mix.filter((entry) => holds(endpoint, entry.expert)).slice(0, mostOf(endpoint));
    const covered = mix.length === request.mix.length ? 1 : weightOf(mix) / wanted;
    const candidate = { endpoint, mix, head: request.heads[rank], covered, rank };
    const order = best.length === 0 ? 1 : compare(candidate, best[0]);
    if (order > 0) best = [candidate];
    else if (order === 0) best.push(candidate);
  }
  if (best.length === 0) return undefined;
  const { endpoint, mix, head, covered } = choose(best);
  return { endpoint, mix, head, covered };
}

/** Above 0 when `a` is the better place. */
function compare(a: { covered: number; rank: number }, b: { covered: number; rank: number }): number {
  return Number(a.rank === 0) - Number(b.rank === 0) || a.covered - b.covered || b.rank - a.rank;
}

function weightOf(mix: Mix): number {
  let sum = 0;
  for (const entry of mix) sum += entry.weight;
  return sum;
}

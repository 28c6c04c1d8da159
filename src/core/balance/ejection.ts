// Outlier ejection: an endpoint that answers, but fails too large a share of its requests, is left out for a while, longer each time.

import type { PlacementEndpoint } from '../placement.ts';
import type { Outcomes } from './outcome-window.ts';

/** Answers that a window must hold before it condemns, and the share of failures that does. */
const LEAST_ANSWERS = 20;
const FAILURE_SHARE = 0.2;
const FIRST_EJECTION_MS = 30_000;
const LONGEST_EJECTION_MS = 300_000;

/** Whether a window condemns its endpoint. */
export function isOutlier({ good, bad }: Outcomes): boolean {
  return good + bad >= LEAST_ANSWERS && bad >= FAILURE_SHARE * (good + bad);
}

/** One endpoint's ejections. */
export interface Ejection {
  /** Milliseconds until it is over; 0 while there is none. */
  waitMs(nowMs: number): number;
  /** Ejects for 30 s times the number of ejections so far, 300 s at most; well-behaved for the longest of them, it starts anew. */
  eject(nowMs: number): void;
}

/** No ejection yet. */
export function createEjection(): Ejection {
  let untilMs = Number.NEGATIVE_INFINITY;
  let times = 0;
  return {
    waitMs: (nowMs) => Math.max(0, untilMs - nowMs),
    eject(nowMs) {
      times = nowMs - untilMs > LONGEST_EJECTION_MS ? 1 : times + 1;
      untilMs = nowMs + Math.min(LONGEST_EJECTION_MS, FIRST_EJECTION_MS * times);
    },
  };
}

/**
 * Whether an endpoint may be taken out on suspicion: never more than half of those that hold an expert, for any expert and config of its.
 * @param isOut whether another endpoint is out already, for whatever reason
 * Cost: O(experts · configs · E)
 */
export function mayTakeOut(endpoint: PlacementEndpoint, endpoints: readonly PlacementEndpoint[], isOut: (id: string) => boolean): boolean {
  // What only `*` endpoints hold is one more expert, and a config that nobody names one more config.
  const everyExpert = new Set<string | undefined>([undefined, ...endpoints.flatMap(({ experts }) => (experts === '*' ? [] : experts))]);
  const everyConfig = new Set<string | undefined>([undefined, ...endpoints.flatMap(({ configs }) => configs ?? [])]);
  for (const expert of everyExpert) {
    if (!has(endpoint.experts === '*' ? undefined : endpoint.experts, expert)) continue;
    for (const config of everyConfig) {
      if (!has(endpoint.configs, config)) continue;
      const peers = endpoints.filter(
        (peer) => peer.id !== endpoint.id && has(peer.experts === '*' ? undefined : peer.experts, expert) && has(peer.configs, config),
      );
      const out = peers.filter(({ id }) => isOut(id)).length + 1;
      if (2 * out > peers.length + 1) return false;
    }
  }
  return true;
}

/** Whether a list holds a name; a list that is not given holds all, one that is given no unnamed one. */
function has(list: readonly string[] | undefined, name: string | undefined): boolean {
  return list === undefined || (name !== undefined && list.includes(name));
}

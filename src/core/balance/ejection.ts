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
  const byExpert = groupsOf(endpoint, endpoints, ({ experts }) => (experts === '*' ? undefined : experts));
  const byConfig = groupsOf(endpoint, endpoints, ({ configs }) => configs);
  return byExpert.every((holders) =>
    byConfig.every((servers) => {
      const group = holders.filter((peer) => servers.includes(peer));
      const out = group.filter(({ id }) => id === endpoint.id || isOut(id)).length;
      return 2 * out <= group.length;
    }),
  );
}

/**
 * For each name that an endpoint has, the endpoints that have it too, itself among them.
 * @param listOf an endpoint's names; undefined for one that has all, and so those that nobody lists as well
 */
function groupsOf<T>(own: T, all: readonly T[], listOf: (one: T) => readonly string[] | undefined): readonly (readonly T[])[] {
  const names = new Set(listOf(own) ?? all.flatMap((one) => listOf(one) ?? []));
  const groups = Array.from(names, (name) => all.filter((one) => listOf(one)?.includes(name) ?? true));
  return listOf(own) === undefined ? [...groups, all.filter((one) => listOf(one) === undefined)] : groups;
}

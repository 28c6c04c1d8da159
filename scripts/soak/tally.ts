// What became of the requests of a soak, by kind.

/** What a request came to: its status, and how far its answer was from the one given at the start (0 where there was nothing to compare). */
export interface Outcome {
  readonly status: string;
  readonly difference: number;
}

/** Requests of one kind. */
interface KindTally {
  requests: number;
  readonly statuses: Record<string, number>;
  worstDifference: number;
}

/** Counts. */
export interface Tally {
  count(kind: string, outcome: Outcome): void;
  fail(kind: string, why: string): void;
  failures(): number;
  report(): { readonly kinds: Readonly<Record<string, KindTally>>; readonly failures: Readonly<Record<string, number>> };
}

/** Reasons that are kept word by word. */
const MOST_REASONS = 50;

/** Nothing has happened yet. */
export function createTally(): Tally {
  const kinds: Record<string, KindTally> = {};
  const reasons = new Map<string, number>();
  let failures = 0;
  return {
    count(kind, { status, difference }) {
      const own = (kinds[kind] ??= { requests: 0, statuses: {}, worstDifference: 0 });
      own.requests += 1;
      own.statuses[status] = (own.statuses[status] ?? 0) + 1;
      own.worstDifference = Math.max(own.worstDifference, difference);
    },
    fail(kind, why) {
      failures += 1;
      const reason = `${kind}: ${why}`.slice(0, 300);
      if (reasons.has(reason) || reasons.size < MOST_REASONS) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    },
    failures: () => failures,
    report: () => ({ kinds, failures: Object.fromEntries(reasons) }),
  };
}

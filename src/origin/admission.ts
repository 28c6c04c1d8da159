// Who is let in at all. A request that would wait in the queue until its time is up costs its caller that time and takes the place of one that could be
// answered; so it is refused on arrival, with when to come again. How long the wait is, the answers of the last seconds tell.

import { TwinrouteError } from '../core/errors.ts';
import type { Batcher } from './batcher.ts';
import type { Clock } from './clock.ts';
import { retryAfter } from './retry-after.ts';

/** What admission needs. */
export interface AdmissionOptions {
  readonly clock: Clock;
  /** Rows of one run. */
  readonly maxBatch: number;
  /** Rows that the batcher lets wait. */
  readonly maxQueue: number;
}

/** How far back the rate of answers is told from, milliseconds: it follows a change of traffic within seconds. */
const MEMORY_MS = 2000;
/** Share of a request's time that the wait may take: rows are not run in the order in which they came, so some wait longer than the mean. */
const OF_ITS_TIME = 0.7;
/** Share of a run's rows. So many are always let in, and with fewer under way nothing is learnt: small runs tell too little of what full ones can do. */
const FEW = 0.25;

/** A look at the door, before work is put into a request. */
export interface Door {
  /** @throws {TwinrouteError} `overloaded` when not even one more row would be answered in time */
  check(deadline: number): void;
}

/**
 * The batcher behind a door: its `submit` also throws `overloaded`, with `retryAfterSeconds`, for rows that would be answered too late.
 * Cost: O(1) a submission
 */
export function withAdmission<R, O>(batcher: Batcher<R, O>, { clock, maxBatch, maxQueue }: AdmissionOptions): Batcher<R, O> & Door {
  const few = FEW * maxBatch;
  let underway = 0;
  const rate = createRate();

  const admit = (rows: number, deadline: number): void => {
    const perMs = rate.perMs();
    const ahead = underway + rows;
    if (perMs === undefined || ahead <= few) return;
    const leftMs = deadline - clock.now();
    const late = ahead / perMs - OF_ITS_TIME * leftMs;
    // Beyond the queue and the run that is under way there is no place, whatever the time.
    if (late <= 0 && ahead <= maxQueue + maxBatch) return;
    const waitMs = underway / perMs;
    throw new TwinrouteError(
      'overloaded',
      `origin: expected an answer in ${Math.round(leftMs)} ms, got ${underway} rows that wait, about ${Math.round(waitMs)} ms`,
      { retryAfterSeconds: retryAfter((late > 0 ? late : waitMs) / 1000) },
    );
  };

  return {
    ...batcher,
    check: (deadline) => admit(1, deadline),
    async submit(rows, options = {}) {
      admit(rows.length, options.deadline ?? Infinity);
      if (underway <= few) rate.start(clock.now());
      underway += rows.length;
      let answered = 0;
      try {
        const answer = await batcher.submit(rows, options);
        answered = rows.length;
        return answer;
      } finally {
        if (underway > few) rate.note(answered, clock.now());
        underway -= rows.length;
      }
    },
  };
}

/** Rows answered a millisecond, of the last seconds in which many were under way. */
function createRate() {
  let answered = 0;
  let busyMs = 0;
  let seenAt = 0;
  return {
    /** What was before counts for nothing. */
    start(now: number): void {
      seenAt = now;
    },
    note(rows: number, now: number): void {
      const sinceMs = now - seenAt;
      const kept = Math.exp(-sinceMs / MEMORY_MS);
      answered = answered * kept + rows;
      busyMs = busyMs * kept + sinceMs;
      seenAt = now;
    },
    perMs: (): number | undefined => (answered > 0 && busyMs > 0 ? answered / busyMs : undefined),
  };
}

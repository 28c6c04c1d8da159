// From a decided merge to an answer: place it, ask, and elsewhere or once more when that failed and a retry is worth it.

import type { Endpoint } from '../contract/endpoint.ts';
import { TwinrouteError } from '../core/errors.ts';
import type { Placement } from '../core/placement.ts';
import { ask, type AttemptDeps, type Dispatch, type Settled } from './attempt.ts';
import { ableEndpoints } from './engines/able.ts';
import { capable, chooseLastResort, choosePlace } from './choose-endpoint.ts';
import type { AttemptPurpose } from './observe/event.ts';
import type { OriginAnswer } from './oip.ts';
import type { GivenReceipt } from './origin-client.ts';
import { takeRetry } from './take-retry.ts';
import { createTries, type Tries } from './tries.ts';

/** Endpoints that are left alone after failures, and asked all the same where there are no others. */
const LAST_TRIES = 2;

/** An answer and how it came about. */
export interface Dispatched {
  readonly answer: OriginAnswer;
  /** The origin's, verified; undefined where requests are not signed. */
  readonly receipt: GivenReceipt | undefined;
  readonly placement: Placement<Endpoint>;
  readonly attempts: number;
}

/**
 * @throws {TwinrouteError} `unsupported` when no engine can do what is wanted; `unavailable` with a time to retry after when all endpoints are down and a last try failed; `overloaded` when
 *   those that are not have no room; else what the last attempt met with
 */
export async function dispatch(deps: AttemptDeps, job: Dispatch): Promise<Dispatched> {
  const able = { ...deps, endpoints: ableEndpoints(deps.endpoints, job) };
  const leave = deps.budget.enter(deps.now(), job.deadlineMs);
  try {
    return await tryAll(able, job);
  } finally {
    leave();
  }
}

async function tryAll(deps: AttemptDeps, job: Dispatch): Promise<Dispatched> {
  const tries = createTries();
  const { attempts } = deps.upstream;
  let failure: TwinrouteError | undefined;
  while (tries.count < attempts) {
    // The last attempt is better spent on somebody new.
    const lastOne = tries.count === attempts - 1;
    const place = (lastOne ? choosePlace(deps, job, tries, true) : undefined) ?? choosePlace(deps, job, tries, false);
    if (place === undefined) return lastResort(deps, job, tries, failure);
    const settled = await askWithinBudget(deps, job, place, tries, tries.count === 0 ? 'first' : 'retry');
    if (settled === undefined) break;
    const { attempt, placement } = settled;
    if (attempt.ok) return { answer: attempt.answer, receipt: attempt.receipt, placement, attempts: tries.count };
    failure = attempt.error;
    if (!attempt.retry) break;
  }
  throw failure ?? outOfTime();
}

/** Undefined when there is no time or no retry left, or nobody waits. */
async function askWithinBudget(
  deps: AttemptDeps,
  job: Dispatch,
  place: Placement<Endpoint>,
  tries: Tries,
  purpose: AttemptPurpose,
): Promise<Settled | undefined> {
  if (deps.now() >= job.deadlineMs || job.given?.aborted === true) return undefined;
  const { deadlineMs, given } = job;
  const patient = tries.count === 1 && tries.metDown;
  const release = tries.count === 0 ? () => undefined : await takeRetry(deps.budget, { now: deps.now, deadlineMs, given, patient });
  if (release === undefined) return undefined;
  try {
    return await ask(deps, job, place, tries, purpose);
  } finally {
    release();
  }
}

/** Two tries where all are down, the least bad endpoint first: that one may just have died, and the next be back already. */
async function lastResort(deps: AttemptDeps, job: Dispatch, tries: Tries, failure: TwinrouteError | undefined): Promise<Dispatched> {
  const able = capable(deps, job);
  const nowMs = deps.now();
  if (failure === undefined && able.some(({ id }) => deps.fleet.of(id).state(nowMs) === 'full'))
    throw new TwinrouteError('overloaded', 'predict: expected an endpoint with room, got none', { retryAfterSeconds: 1 });
  let settled: Settled | undefined;
  for (let last = 0; last < LAST_TRIES; last++) {
    // The first try may have taken so long that another endpoint is up by now.
    const place = choosePlace(deps, job, tries, true) ?? chooseLastResort(deps, job, tries);
    if (place === undefined) break;
    const next = await askWithinBudget(deps, job, place, tries, 'last_resort');
    if (next === undefined && settled === undefined) throw failure ?? outOfTime();
    if (next === undefined) break;
    settled = next;
    const { attempt, placement } = next;
    if (attempt.ok) return { answer: attempt.answer, receipt: attempt.receipt, placement, attempts: tries.count };
    if (!attempt.retry) throw failure ?? attempt.error;
  }
  if (failure !== undefined) throw failure;
  const waitMs = able.length === 0 ? 0 : Math.min(...able.map(({ id }) => deps.fleet.of(id).waitMs(deps.now())));
  const heads = job.placement.heads.slice(0, 3).join(', ');
  const tried = settled === undefined ? '' : `; a last try at ${settled.placement.endpoint.id} failed`;
  throw new TwinrouteError('unavailable', `predict: expected a healthy endpoint that serves ${heads}, got none${tried}`, {
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
    cause: settled?.attempt.ok === false ? settled.attempt.error : undefined,
  });
}

function outOfTime(): TwinrouteError {
  return new TwinrouteError('timeout', 'predict: expected time for an origin, got none left');
}

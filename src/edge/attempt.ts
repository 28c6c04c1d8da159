// One attempt at an endpoint with its bookkeeping, and a hedged one: a second endpoint is asked when the first is late, the first good answer
// wins and the other request is aborted.

import type { EdgeBundle } from '../contract/edge-bundle.ts';
import type { Endpoint } from '../contract/endpoint.ts';
import type { Upstream } from '../contract/upstream.ts';
import type { Outcome } from '../core/balance/member.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { RetryBudget } from '../core/balance/retry-budget.ts';
import type { Placement } from '../core/placement.ts';
import type { Tokenizer } from '../formats/tokenizer.ts';
import { choosePlace, type ChooseDeps, type Wanted } from './choose-endpoint.ts';
import type { OriginRequest } from './oip.ts';
import { askOrigin, type Attempt, type OriginDeps } from './origin-client.ts';
import type { AttemptPurpose } from './observe/event.ts';
import { traceHeaders, type Trip } from './observe/trip.ts';
import type { Tries } from './tries.ts';

/** How long after its time an attempt that nobody ended is forgotten. */
const LEASE_GRACE_MS = 1_000;
/** Share of an endpoint's answers that come before a hedge by percentile. */
const HEDGE_QUANTILE = 0.95;

/** What attempts need. */
export interface AttemptDeps extends ChooseDeps, OriginDeps {
  readonly upstream: Pick<Upstream, 'attempts' | 'attempt_ms' | 'hedge'>;
  readonly budget: RetryBudget;
}

/** One input on its way to an origin. */
export interface Dispatch extends Wanted {
  readonly bundle: EdgeBundle;
  /** The config's tokenizer, for engines that take token ids. */
  readonly tokenizer?: (() => Promise<Tokenizer>) | undefined;
  /** The row; the merge is what placement leaves of the mix, unless the origin is to route. */
  readonly row: Omit<OriginRequest, 'merge'>;
  readonly originRoutes: boolean;
  /** When the caller stops waiting, by `now`. */
  readonly deadlineMs: number;
  /** Aborted when the caller does not wait any longer. */
  readonly given?: AbortSignal | undefined;
  /** Where what happens is told. */
  readonly trip?: Trip | undefined;
  /** A shadow: nobody waits for it. */
  readonly aside?: boolean;
}

/** An attempt that has ended. */
export interface Settled {
  readonly placement: Placement<Endpoint>;
  readonly attempt: Attempt;
}

interface Running {
  readonly settled: Promise<Settled>;
  /** Nobody waits any longer. */
  abandon(): void;
}

/** Asks the endpoint of `placement`, and a second one when hedging is on, the first is late and the retry budget allows. Never throws. */
export async function ask(
  deps: AttemptDeps,
  job: Dispatch,
  placement: Placement<Endpoint>,
  tries: Tries,
  purpose: AttemptPurpose,
): Promise<Settled> {
  const first = begin(deps, job, placement, tries, purpose);
  const delayMs = hedgeDelay(deps);
  if (delayMs === undefined || (await isInTime(first.settled, delayMs))) return first.settled;
  const others = { ...deps, endpoints: deps.endpoints.filter(({ id }) => id !== placement.endpoint.id) };
  const other = placeHedge(others, job, tries);
  const release = other && deps.budget.take(deps.now(), job.deadlineMs);
  if (other === undefined || release === undefined) return first.settled;
  const winner = await firstGood(first, beginHedge(others, job, other, tries));
  release();
  return winner;
}

function placeHedge(deps: AttemptDeps, job: Dispatch, tries: Tries): Placement<Endpoint> | undefined {
  const mayAsk = tries.count < deps.upstream.attempts && deps.now() < job.deadlineMs;
  return mayAsk ? choosePlace(deps, job, tries, false) : undefined;
}

/** A hedge that failed is followed by another, one at a time, while the first attempt goes on: who answers half of all requests will answer soon. */
function beginHedge(deps: AttemptDeps, job: Dispatch, placement: Placement<Endpoint>, tries: Tries): Running {
  let run = begin(deps, job, placement, tries, 'hedge');
  let abandoned = false;
  const pursue = async (): Promise<Settled> => {
    for (;;) {
      const settled = await run.settled;
      if (abandoned || settled.attempt.ok || !settled.attempt.retry) return settled;
      const next = placeHedge(deps, job, tries);
      if (next === undefined) return settled;
      run = begin(deps, job, next, tries, 'hedge');
    }
  };
  return {
    settled: pursue(),
    abandon() {
      abandoned = true;
      run.abandon();
    },
  };
}

function begin(deps: AttemptDeps, job: Dispatch, placement: Placement<Endpoint>, tries: Tries, purpose: AttemptPurpose): Running {
  const { endpoint, mix, head } = placement;
  const { trip } = job;
  const spanId = trip?.newSpanId() ?? '';
  const startMs = deps.now();
  const remainingMs = job.deadlineMs - startMs;
  const { attempt_ms: attemptMs } = deps.upstream;
  const leave = deps.fleet.of(endpoint.id).begin(startMs, startMs + Math.min(attemptMs, remainingMs) + LEASE_GRACE_MS);
  let ended = false;
  const end = (outcome: Outcome, code?: ErrorCode): void => {
    if (ended) return;
    ended = true;
    const endMs = deps.now();
    leave(outcome, endMs);
    const { id, url } = endpoint;
    const { config } = job.bundle;
    const why = job.aside === true ? 'shadow' : purpose;
    trip?.note({ kind: 'attempt', spanId, config, endpoint: id, url, purpose: why, outcome, code, startMs, ms: endMs - startMs });
  };
  tries.begun(endpoint.id);
  const row: OriginRequest = { ...job.row, merge: job.originRoutes ? undefined : { mix, head } };
  const given = new AbortController();
  const abandon = (): void => {
    // Told here and not when the abort arrives: after the answer has left, the runtime may run nothing more of this request.
    end('unknown');
    given.abort();
  };
  job.given?.addEventListener('abort', abandon, { once: true });
  const time = { attemptMs, remainingMs, given: given.signal };
  const { bundle, tokenizer } = job;
  const asked = { bundle, row, tokenizer, trace: trip === undefined ? {} : traceHeaders(trip, spanId) };
  const settled = askOrigin(deps, endpoint, asked, time).then((attempt) => {
    job.given?.removeEventListener('abort', abandon);
    end(outcomeOf(attempt), attempt.ok ? undefined : attempt.error.code);
    if (!attempt.ok) tries.failed(endpoint.id, attempt.health);
    return { placement, attempt };
  });
  return { settled, abandon };
}

/** By percentile it is the fastest endpoint's: who is always slow would otherwise be waited for always. */
function hedgeDelay({ upstream: { hedge }, fleet, endpoints }: AttemptDeps): number | undefined {
  if (hedge?.after !== 'p95') return hedge?.after;
  const known = endpoints.map(({ id }) => fleet.of(id).quantileMs(HEDGE_QUANTILE)).filter((ms) => ms !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function isInTime(settled: Promise<Settled>, delayMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), delayMs);
    void settled.then(() => {
      clearTimeout(timer);
      return resolve(true);
    });
  });
}

/** The first good answer; the later failure when there is none. */
async function firstGood(...runs: readonly [Running, Running]): Promise<Settled> {
  const [earlier, later] = await Promise.race(runs.map((run, i) => run.settled.then(() => [run, runs[1 - i]] as const)));
  const settled = await earlier.settled;
  if (!settled.attempt.ok) return later.settled;
  later.abandon();
  return settled;
}

function outcomeOf(attempt: Attempt): Outcome {
  if (attempt.ok) return 'good';
  return attempt.health === 'up' ? 'busy' : attempt.health;
}

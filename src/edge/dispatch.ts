// From a decided merge to an answer: place it, ask, and once more elsewhere when the first endpoint could not.

import type { EdgeBundle, Endpoint } from '../contract/edge-bundle.ts';
import { TwinrouteError } from '../core/errors.ts';
import { place, type Placement, type PlacementRequest } from '../core/placement.ts';
import type { Health } from './health.ts';
import type { OriginAnswer, OriginRequest } from './oip.ts';
import { askOrigin } from './origin-client.ts';

/** The first attempt and one retry. */
const ATTEMPTS = 2;

/** What dispatching needs. */
export interface DispatchDeps {
  readonly endpoints: readonly Endpoint[];
  readonly health: Health;
  readonly fetch: typeof fetch;
  /** Milliseconds. */
  readonly now: () => number;
  /** Longest wait for one attempt. */
  readonly attemptMs: number;
  /** A number that counts up: whose turn it is among equal endpoints. */
  readonly nextTurn: () => number;
}

/** One input on its way to an origin. */
export interface Dispatch {
  readonly bundle: EdgeBundle;
  readonly placement: PlacementRequest;
  /** Only an endpoint that holds the whole mix will do. */
  readonly whole: boolean;
  /** The row; the merge is what placement leaves of the mix, unless the origin is to route. */
  readonly row: Omit<OriginRequest, 'merge'>;
  readonly originRoutes: boolean;
  /** When the caller stops waiting, by `now`. */
  readonly deadlineMs: number;
}

/** An answer and how it came about. */
export interface Dispatched {
  readonly answer: OriginAnswer;
  readonly placement: Placement<Endpoint>;
  readonly attempts: number;
}

/**
 * @throws {TwinrouteError} `unavailable` with a time to retry after when no endpoint can be asked; else what the last attempt met with
 */
export async function dispatch(deps: DispatchDeps, job: Dispatch): Promise<Dispatched> {
  const tried = new Set<string>();
  let failure: TwinrouteError | undefined;
  while (tried.size < ATTEMPTS) {
    const placement = findPlace(deps, job, tried);
    const remainingMs = job.deadlineMs - deps.now();
    if (placement === undefined) throw failure ?? nobody(deps, job);
    if (remainingMs <= 0) throw failure ?? new TwinrouteError('timeout', 'predict: expected time for an origin, got none left');
    const { endpoint, mix, head } = placement;
    tried.add(endpoint.id);
    deps.health.sent(endpoint.id, deps.now());
    const row: OriginRequest = { ...job.row, merge: job.originRoutes ? undefined : { mix, head } };
    const attempt = await askOrigin(deps.fetch, endpoint, job.bundle, row, { attemptMs: deps.attemptMs, remainingMs });
    const health = attempt.ok ? 'up' : attempt.health;
    if (health === 'up') deps.health.succeeded(endpoint.id);
    else if (health !== 'unknown') deps.health.failed(endpoint.id, deps.now(), health === 'down');
    if (attempt.ok) return { answer: attempt.answer, placement, attempts: tried.size };
    failure = attempt.error;
    if (!attempt.retry) break;
  }
  throw failure ?? nobody(deps, job);
}

/** Whether some endpoint can be asked for the whole mix now. */
export function canPlaceWhole(deps: DispatchDeps, placement: PlacementRequest): boolean {
  return place(placement, deps.endpoints, (endpoint) => deps.health.admits(endpoint.id, deps.now()), 0)?.covered === 1;
}

function findPlace(deps: DispatchDeps, job: Dispatch, tried: ReadonlySet<string>): Placement<Endpoint> | undefined {
  const nowMs = deps.now();
  const accepts = (endpoint: Endpoint): boolean => !tried.has(endpoint.id) && deps.health.admits(endpoint.id, nowMs);
  const placement = place(job.placement, deps.endpoints, accepts, deps.nextTurn());
  return job.whole && placement !== undefined && placement.covered < 1 ? undefined : placement;
}

function nobody(deps: DispatchDeps, job: Dispatch): TwinrouteError {
  const waitMs = deps.health.waitMs(
    deps.endpoints.map((endpoint) => endpoint.id),
    deps.now(),
  );
  return new TwinrouteError(
    'unavailable',
    `predict: expected a healthy endpoint that serves ${job.placement.heads.slice(0, 3).join(', ')}, got none`,
    {
      retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
    },
  );
}

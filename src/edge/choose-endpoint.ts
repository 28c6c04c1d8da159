// Where a request goes next: placement by what endpoints hold, then the cheaper of two; and whom to ask when all are down.

import type { Endpoint } from '../contract/endpoint.ts';
import type { Fleet } from '../core/balance/fleet.ts';
import { powerOfTwo } from '../core/balance/power-of-two.ts';
import { place, type Placement, type PlacementRequest } from '../core/placement.ts';
import { engineAt } from './engines/registry.ts';
import type { Tries } from './tries.ts';

/** An endpoint that failed a request is asked again only with at least this chance of an answer. */
const WORTH_A_RETRY = 0.1;

/** What choosing needs. */
export interface ChooseDeps {
  readonly endpoints: readonly Endpoint[];
  readonly fleet: Fleet;
  /** Milliseconds. */
  readonly now: () => number;
  /** Numbers in [0, 1). */
  readonly uniform: () => number;
}

/** What is to be placed. */
export interface Wanted {
  readonly placement: PlacementRequest;
  /** Only an endpoint that holds the whole mix will do. */
  readonly whole: boolean;
  /** Where the caller is, in the words of `Endpoint.region`; empty when unknown. */
  readonly regions: readonly string[];
}

/** The next place for a request, or undefined when no endpoint takes it now. `fresh` leaves out those that it has tried. */
export function choosePlace(deps: ChooseDeps, wanted: Wanted, tries: Tries, fresh: boolean): Placement<Endpoint> | undefined {
  const nowMs = deps.now();
  const accepts = ({ id }: Endpoint): boolean => {
    if (deps.fleet.of(id).state(nowMs) !== 'up' || tries.isBarred(id)) return false;
    return tries.isUntried(id) || (!fresh && deps.fleet.of(id).odds(nowMs, tries.failuresAt(id)) >= WORTH_A_RETRY);
  };
  const cost = ({ endpoint: { id } }: Placement<Endpoint>): number =>
    deps.fleet.of(id).cost(nowMs, { regions: wanted.regions, failures: tries.failuresAt(id) });
  return complete(
    wanted,
    place(wanted.placement, deps.endpoints, accepts, (equals) => powerOfTwo(equals, cost, deps.uniform), mostExperts),
  );
}

/** The least bad of those that are left alone after failures: ejected ones do answer, others may soon. Undefined when there is none untried. */
export function chooseLastResort(deps: ChooseDeps, wanted: Wanted, tries: Tries): Placement<Endpoint> | undefined {
  const nowMs = deps.now();
  const accepts = ({ id }: Endpoint): boolean => tries.isUntried(id) && isDown(deps.fleet, id, nowMs);
  const badness = ({ endpoint: { id } }: Placement<Endpoint>): number => {
    const member = deps.fleet.of(id);
    return member.state(nowMs) === 'ejected' ? 0 : member.waitMs(nowMs);
  };
  return complete(
    wanted,
    place(wanted.placement, deps.endpoints, accepts, (equals) => equals.toSorted((a, b) => badness(a) - badness(b))[0], mostExperts),
  );
}

/** Whether some endpoint can be asked for the whole mix now. */
export function canPlaceWhole({ endpoints, fleet, now }: ChooseDeps, placement: PlacementRequest): boolean {
  const nowMs = now();
  return (
    place(
      placement,
      endpoints,
      ({ id }) => fleet.of(id).state(nowMs) === 'up',
      ([first]) => first,
      mostExperts,
    )?.covered === 1
  );
}

/** Endpoints that could answer at all, whatever their state. */
export function capable({ endpoints }: ChooseDeps, { placement, whole }: Wanted): readonly Endpoint[] {
  return endpoints.filter((endpoint) => {
    const placed = place(
      placement,
      [endpoint],
      () => true,
      ([first]) => first,
      mostExperts,
    );
    return placed !== undefined && (!whole || placed.covered === 1);
  });
}

function mostExperts(endpoint: Endpoint): number {
  return engineAt(endpoint).mostExperts;
}

function isDown(fleet: Fleet, id: string, nowMs: number): boolean {
  const state = fleet.of(id).state(nowMs);
  return state === 'open' || state === 'ejected';
}

function complete({ whole }: Wanted, placement: Placement<Endpoint> | undefined): Placement<Endpoint> | undefined {
  return whole && placement !== undefined && placement.covered < 1 ? undefined : placement;
}

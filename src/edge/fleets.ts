// What this isolate knows about endpoints, apart for each config: one whose requests fail says nothing about the others. Otherwise a config on trial
// would take endpoints away from the arm that it is compared with, and a shadow from the answers that it stands behind.

import type { Endpoint } from '../contract/endpoint.ts';
import { createFleet, type Fleet } from '../core/balance/fleet.ts';

/** Fleets of the same endpoints, by config. */
export interface Fleets {
  /** What requests of that config met with. */
  of(config: string): Fleet;
  /** All that there is so far. */
  known(): Iterable<Fleet>;
  /** The same with their configs. */
  byConfig(): Iterable<readonly [config: string, fleet: Fleet]>;
}

/**
 * Fleets of which nothing is known.
 * @param inFlightLimit attempts that one endpoint may have under way, for each config
 */
export function createFleets(endpoints: readonly Endpoint[], inFlightLimit: number): Fleets {
  const fleets = new Map<string, Fleet>();
  return {
    of(config) {
      const fleet = fleets.get(config) ?? createFleet(endpoints, inFlightLimit);
      fleets.set(config, fleet);
      return fleet;
    },
    known: () => fleets.values(),
    byConfig: () => fleets.entries(),
  };
}

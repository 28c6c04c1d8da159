// What this page saw of endpoints since it was opened: how their latency went, and when their state last changed.

import type { EndpointsAnswer } from '../../../contract/endpoints.ts';

type Endpoint = EndpointsAnswer['endpoints'][number];
type State = Endpoint['configs'][number]['state'];

/** Looks that are kept: two minutes at one every two seconds. */
const KEPT = 60;

/** An endpoint now, and as it was. */
export interface Seen extends Endpoint {
  /** The worst over its configs. */
  readonly state: State;
  /** Of the configs together: the highest latency, the sum of what is under way, the highest share. */
  readonly worst: { readonly latencyMs: number; readonly inFlight: number; readonly failureShare: number };
  /** Latencies, oldest first. */
  readonly latencies: readonly number[];
  /** When another state was first seen, in milliseconds since 1970; undefined when it never changed. */
  readonly changedMs: number | undefined;
}

/** From well to worst. */
const SEVERITY: readonly State[] = ['up', 'full', 'ejected', 'open'];

/** A memory of looks. */
export function createWatch(): { look(endpoints: readonly Endpoint[], nowMs: number): readonly Seen[] } {
  const known = new Map<string, Pick<Seen, 'state' | 'latencies' | 'changedMs'>>();
  return {
    look: (endpoints, nowMs) =>
      endpoints.map((endpoint) => {
        const { configs, id } = endpoint;
        const before = known.get(id);
        const state = configs
          .map((config) => config.state)
          .reduce((worst, one) => (SEVERITY.indexOf(one) > SEVERITY.indexOf(worst) ? one : worst), 'up');
        const latencyMs = Math.max(0, ...configs.map(({ latency_ms: latency }) => latency));
        const changed = before !== undefined && before.state !== state;
        const now = {
          state,
          latencies: [...(before?.latencies ?? []), latencyMs].slice(-KEPT),
          changedMs: changed ? nowMs : before?.changedMs,
        };
        known.set(id, now);
        const worst = {
          latencyMs,
          inFlight: configs.reduce((sum, { in_flight: count }) => sum + count, 0),
          failureShare: Math.max(0, ...configs.map(({ failure_share: share }) => share)),
        };
        return { ...endpoint, ...now, worst };
      }),
  };
}

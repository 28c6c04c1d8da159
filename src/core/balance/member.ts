// One endpoint of a fleet: what its last answers say, how much it has to do, and what asking it would cost.

import type { PlacementEndpoint } from '../placement.ts';
import { createBreaker } from './breaker.ts';
import { createEjection, isOutlier } from './ejection.ts';
import { createLatencies } from './latencies.ts';
import { createLeases } from './leases.ts';
import { answerOdds } from './odds.ts';
import { createOutcomeWindow } from './outcome-window.ts';
import { createPeakEwma } from './peak-ewma.ts';

/**
 * What latency is believed of an endpoint that has not answered yet: near the caller or nobody knows where, and far. Near is less than
 * any real one, so that each endpoint is tried.
 */
const NEAR_MS = 1;
const FAR_MS = 100;
/** What a failure costs beside its own time, a round trip elsewhere. Without it an endpoint that fails at once would look like the fastest. */
const FAILURE_MS = 30;

/** Weight of the newest attempt in two means: how many are under way when one begins, and how long a failure takes. */
const USUAL_WEIGHT = 0.05;

/** An endpoint as balancing sees it. */
export interface FleetEndpoint extends PlacementEndpoint {
  /** Where it is, in the words of `Asker.regions`. */
  readonly region?: string | undefined;
}

/**
 * How an attempt ended: `good`; `busy`, it is well but has no room; `doubtful`, it failed and the request may be why; `down`, it was not
 * reached or cannot serve; `unknown`, nobody waited for the end.
 */
export type Outcome = 'good' | 'busy' | 'doubtful' | 'down' | 'unknown';

/** `up` takes requests; `full` has as many as it may; `open` and `ejected` are left alone after failures. */
export type EndpointState = 'up' | 'full' | 'open' | 'ejected';

/** One request's view of an endpoint. */
export interface Asker {
  /** Names of where the caller is; empty when unknown. */
  readonly regions: readonly string[];
  /** How often this request has failed at the endpoint. */
  readonly failures: number;
}

/** An endpoint's figures. */
export interface EndpointFigures {
  readonly state: EndpointState;
  readonly inFlight: number;
  readonly latencyMs: number;
  /** Of the last ten seconds, in [0, 1]. */
  readonly failureShare: number;
}

/** The memory of one endpoint. Times are milliseconds of the caller's clock. */
export interface Member {
  /** Whether it is left alone, or was and has not answered since. */
  isOut(nowMs: number): boolean;
  state(nowMs: number): EndpointState;
  /** Milliseconds until it takes a request after failures; 0 when it does. */
  waitMs(nowMs: number): number;
  /** The chance that it answers a request that has failed there so often, in [0, 1); 0 where it has failed and answered nobody of late. */
  odds(nowMs: number, failures: number): number;
  /** Expected milliseconds until an answer, were it asked now and again after each failure: its latency, and a failure's cost × how many come before. */
  cost(nowMs: number, asker: Asker): number;
  /** The time that a share `q` of its answers did not exceed, or undefined while it is not known. */
  quantileMs(q: number): number | undefined;
  figures(nowMs: number): EndpointFigures;
  /** An attempt begins; it counts as under way until the returned function tells its outcome, or until `untilMs`. */
  begin(nowMs: number, untilMs: number): (outcome: Outcome, endMs: number) => void;
  /** A check outside of requests, as in `Breaker.checked`. */
  checked(ready: boolean, nowMs: number): void;
}

/**
 * An endpoint that is up.
 * @param inFlightLimit attempts that it may have under way
 * @param mayTakeOut whether it may be taken out on suspicion now
 */
export function createMember(endpoint: FleetEndpoint, inFlightLimit: number, mayTakeOut: (nowMs: number) => boolean): Member {
  const breaker = createBreaker();
  const ejection = createEjection();
  const window = createOutcomeWindow();
  const ewma = createPeakEwma();
  const latencies = createLatencies();
  const underWay = createLeases();
  let usual = 0;
  let failingMs = 0;
  const failed = (certain: boolean, nowMs: number): void => {
    window.add(false, nowMs);
    breaker.failed(nowMs, certain, () => mayTakeOut(nowMs));
    if (ejection.waitMs(nowMs) > 0 || !isOutlier(window.count(nowMs)) || !mayTakeOut(nowMs)) return;
    ejection.eject(nowMs);
    window.clear();
  };
  const settle = (outcome: Outcome, tookMs: number, nowMs: number): void => {
    if (outcome === 'unknown') ewma.observeAtLeast(tookMs, nowMs);
    if (outcome === 'doubtful' || outcome === 'down') {
      failingMs += USUAL_WEIGHT * (tookMs - failingMs);
      failed(outcome === 'down', nowMs);
    }
    if (outcome === 'good' || outcome === 'busy') breaker.succeeded();
    if (outcome !== 'good') return;
    window.add(true, nowMs);
    ewma.observe(tookMs, nowMs);
    latencies.add(tookMs);
  };
  const waitMs = (nowMs: number): number => Math.max(breaker.waitMs(nowMs), ejection.waitMs(nowMs));
  const state = (nowMs: number): EndpointState => {
    if (breaker.waitMs(nowMs) > 0) return 'open';
    if (ejection.waitMs(nowMs) > 0) return 'ejected';
    return underWay.count(nowMs) >= inFlightLimit ? 'full' : 'up';
  };
  const odds = (nowMs: number, failures: number): number => {
    const outcomes = window.count(nowMs);
    return failures > 0 && outcomes.good === 0 ? 0 : answerOdds(outcomes, failures);
  };
  const latencyMs = (nowMs: number, regions: readonly string[]): number => {
    const near = endpoint.region === undefined || regions.length === 0 || regions.includes(endpoint.region);
    // One that has not answered for longer than it usually takes is at least that slow: it may hang.
    return Math.max(ewma.estimate(nowMs, near ? NEAR_MS : FAR_MS), underWay.ageMs(nowMs));
  };
  return {
    isOut: (nowMs) => breaker.open || ejection.waitMs(nowMs) > 0,
    state,
    waitMs,
    odds,
    cost(nowMs, { regions, failures }) {
      const chance = odds(nowMs, failures);
      const crowd = Math.max(1, (underWay.count(nowMs) + 1) / (usual + 1));
      const failuresBefore = (1 - chance) / chance;
      return latencyMs(nowMs, regions) * crowd + failuresBefore * (failingMs * crowd + FAILURE_MS);
    },
    quantileMs: (q) => latencies.quantile(q),
    figures(nowMs) {
      const { good, bad } = window.count(nowMs);
      const inFlight = underWay.count(nowMs);
      return { state: state(nowMs), inFlight, latencyMs: latencyMs(nowMs, []), failureShare: bad / Math.max(1, good + bad) };
    },
    begin(nowMs, untilMs) {
      breaker.sent(nowMs);
      usual += USUAL_WEIGHT * (underWay.count(nowMs) - usual);
      const release = underWay.take(nowMs, untilMs);
      let ended = false;
      return (outcome, endMs) => {
        if (ended) return;
        ended = true;
        release();
        settle(outcome, endMs - nowMs, endMs);
      };
    },
    checked: (ready, nowMs) => breaker.checked(ready, nowMs),
  };
}

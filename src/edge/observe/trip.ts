// One request on its way through the edge: who it is in logs and traces, and what is known of it so far. Whatever happens to it is noted here.

import { formatTraceparent, type TraceContext } from '../../core/observe/trace-context.ts';
import { PAYING, type EdgeEvent, type EventOf } from './event.ts';

/** What has come together about a request; of a batch, sums, or the last input's. */
export interface TripFacts {
  /** Account that pays; '' where there is none. */
  account: string;
  shed: boolean;
  config: string;
  endpoint: string;
  experiment: string;
  arm: string;
  inputs: number;
  attempts: number;
  tokens: number;
  experts: number;
  abstained: number;
  cached: number;
  micros: number;
  routerMs: number;
  originMs: number;
}

/** A request under way. */
export interface Trip {
  /** The request's id. */
  readonly id: string;
  /** Its own span. */
  readonly trace: TraceContext;
  /** The caller's span, where the request came with one. */
  readonly parentSpanId: string | undefined;
  readonly facts: Readonly<TripFacts>;
  /** Set once it is known. */
  account(id: string): void;
  note(event: EdgeEvent): void;
  /** Milliseconds. */
  now(): number;
  /** An id for a span of something that the request does. */
  newSpanId(): string;
}

/** What making trips needs. */
export interface TripDeps {
  readonly tell: (event: EdgeEvent, trip: Trip) => void;
  readonly now: () => number;
  readonly newSpanId: () => string;
}

/** A trip of which nothing is known. */
export function createTrip({ tell, now, newSpanId }: TripDeps, id: string, trace: TraceContext, parentSpanId: string | undefined): Trip {
  const facts: TripFacts = {
    account: '',
    shed: false,
    config: '',
    endpoint: '',
    experiment: '',
    arm: '',
    inputs: 0,
    attempts: 0,
    tokens: 0,
    experts: 0,
    abstained: 0,
    cached: 0,
    micros: 0,
    routerMs: 0,
    originMs: 0,
  };
  const trip: Trip = {
    id,
    trace,
    parentSpanId,
    facts,
    account: (account) => void (facts.account = account),
    note(event) {
      learn(facts, event);
      tell(event, trip);
    },
    now,
    newSpanId,
  };
  return trip;
}

/** Headers that let whoever is called by the span go on with the trace. */
export function traceHeaders({ trace }: Trip, spanId: string): Record<string, string> {
  const traceparent = formatTraceparent({ ...trace, spanId });
  return trace.state === '' ? { traceparent } : { traceparent, tracestate: trace.state };
}

const LEARN: { readonly [K in EdgeEvent['kind']]?: (facts: TripFacts, event: EventOf<K>) => void } = {
  shed: (facts) => void (facts.shed = true),
  routed(facts, { config, ms, abstained, experts }) {
    facts.config = config;
    facts.routerMs += ms;
    facts.abstained += abstained ? 1 : 0;
    facts.experts += experts;
  },
  attempt(facts, { endpoint }) {
    facts.attempts += 1;
    facts.endpoint = endpoint;
  },
  answered(facts, { endpoint, ms, tokens, cached }) {
    facts.endpoint = endpoint;
    facts.inputs += 1;
    facts.originMs += ms;
    facts.tokens += tokens;
    facts.cached += cached ? 1 : 0;
  },
  ledger(facts, { step, outcome, micros }) {
    if (PAYING.has(step) && outcome === 'settled') facts.micros += micros;
  },
  exposure(facts, { experiment, arm }) {
    facts.experiment = experiment;
    facts.arm = arm;
  },
};

function learn<K extends EdgeEvent['kind']>(facts: TripFacts, event: EventOf<K>): void {
  LEARN[event.kind]?.(facts, event);
}

// The one place through which the edge tells what happens. Who listens is a list of sinks; each is a table of the kinds that it cares about.

import type { TraceContext } from '../../core/observe/trace-context.ts';
import { isSampled } from '../../core/observe/trace-context.ts';
import type { Series } from '../../core/observe/metric.ts';
import type { EdgeEvent, EdgeEvents, EventOf } from './event.ts';
import { createTrip, type Trip } from './trip.ts';

/** Levels at the moment of asking. */
export type Levels = () => readonly Series[];

/** Somebody who listens; handlers return at once and never throw. `trip` is undefined for what belongs to no request. */
export type Sink = { readonly [K in keyof EdgeEvents]?: (event: EventOf<K>, trip: Trip | undefined) => void };

/** The way in. */
export interface Observer {
  /** Tells of something that belongs to no request. */
  note(event: EdgeEvent): void;
  /** A request begins. @param parent the caller's place in a trace */
  begin(id: string, parent: TraceContext | undefined): Trip;
  /** Work that no caller waits for begins: counted, but never recorded as a trace. */
  aside(id: string): Trip;
}

/** What observing needs. */
export interface ObserverDeps {
  readonly sinks: readonly Sink[];
  /** Share of traces, of those that nobody has decided about, that is recorded. */
  readonly sampleRatio: number;
  /** Milliseconds. */
  readonly now: () => number;
  /** Random bytes in lower-case hex. */
  readonly randomHex: (bytes: number) => string;
}

/** An observer for as long as the isolate lives. */
export function createObserver({ sinks, sampleRatio, now, randomHex }: ObserverDeps): Observer {
  const tell = <K extends keyof EdgeEvents>(event: EventOf<K>, trip: Trip | undefined): void => {
    for (const sink of sinks) sink[event.kind]?.(event, trip);
  };
  const newSpanId = (): string => randomHex(8);
  const deps = { tell, now, newSpanId };
  return {
    note: (event) => tell(event, undefined),
    begin(id, parent) {
      const spanId = newSpanId();
      if (parent !== undefined) return createTrip(deps, id, { ...parent, spanId }, parent.spanId);
      const traceId = randomHex(16);
      return createTrip(deps, id, { traceId, spanId, sampled: isSampled(traceId, sampleRatio), random: true, state: '' }, undefined);
    },
    aside: (id) =>
      createTrip(deps, id, { traceId: randomHex(16), spanId: newSpanId(), sampled: false, random: true, state: '' }, undefined),
  };
}

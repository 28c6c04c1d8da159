// Events as lines of JSON. Requests that are shed are counted and told together: a log that grows with the load that is refused would be part of the
// problem. So are errors that come in crowds.

import { ERROR_CODES, type ErrorCode } from '../../core/errors.ts';
import { safeError } from '../../core/observe/safe-error.ts';
import type { Sink } from './observer.ts';
import type { Trip } from './trip.ts';

/** Levels, quietest last. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Writes a line. */
export type WriteLine = (level: LogLevel, line: string) => void;

/** Errors of one code that are told one by one until lines are flushed. */
const TOLD_ALONE = 20;

/** What logging needs. */
export interface LogSinkDeps {
  readonly write: WriteLine;
  /** What is below is left out. */
  readonly level: LogLevel;
  /** There is something to tell together. */
  readonly touch: () => void;
}

/** A sink, and what tells the rest. */
export interface LogSink {
  readonly sink: Sink;
  /** Tells what was only counted. */
  flush(): void;
}

/** A log. */
export function createLogSink({ write, level: lowest, touch }: LogSinkDeps): LogSink {
  const isTold = (level: LogLevel): boolean => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(lowest);
  const line = (level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>): void => {
    if (isTold(level)) write(level, JSON.stringify({ level, event, ...fields }));
  };
  const failures = new Map<ErrorCode, number>();
  let shed = 0;
  return {
    sink: {
      request(event, trip) {
        if (trip === undefined || trip.facts.shed || !isTold('info')) return;
        const { method, route, status, code, ms, colo } = event;
        const { config, endpoint, attempts, experiment, arm, inputs, tokens, account } = trip.facts;
        line('info', 'request', {
          ...idsOf(trip),
          method,
          route,
          status,
          code,
          ms,
          ...kept({ config, endpoint, experiment, arm, account, colo }),
          ...(inputs > 0 && { inputs, tokens }),
          ...(attempts > 0 && { attempts }),
        });
      },
      shed() {
        shed += 1;
        touch();
      },
      failure({ error, id }, trip) {
        if (ERROR_CODES[error.code].fault !== 'system' || trip?.facts.shed === true) return;
        const told = failures.get(error.code) ?? 0;
        failures.set(error.code, told + 1);
        touch();
        if (told < TOLD_ALONE) line('error', 'failure', { ...(trip && idsOf(trip)), request_id: id, ...safeError(error) });
      },
      problem: ({ error, about }) => line('error', 'problem', { about, ...safeError(error) }),
      config({ config, outcome }) {
        // A refusal becomes a failure too, which says more.
        if (outcome === 'loaded') line('info', 'config', { config, outcome });
      },
      dropped: ({ what, why, count }) => line('warn', 'dropped', { what, why, count }),
    },
    flush() {
      if (shed > 0) line('warn', 'shed', { count: shed });
      for (const [code, count] of failures) if (count > TOLD_ALONE) line('error', 'failures', { code, count, told: TOLD_ALONE });
      shed = 0;
      failures.clear();
    },
  };
}

function idsOf({ id, trace }: Trip): object {
  return { request_id: id, trace_id: trace.traceId };
}

/** The fields that are not empty. */
function kept(fields: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}

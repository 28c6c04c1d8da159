// The door of a server that may be closing: it first tells that it will shut, so that callers go elsewhere, then lets nobody in, and counts who is
// still inside.

import type { MiddlewareHandler } from 'hono';
import { TwinrouteError } from '../core/errors.ts';

/** State of the door. */
export interface DrainGate {
  /** Whether probes are told to look elsewhere: once it was announced that the door will shut, and when it is shut. */
  readonly leaving: boolean;
  /** Tells that the door will shut; it stays open. */
  announce(): void;
  /** Lets one request in; the returned function lets it out. @throws {TwinrouteError} `unavailable` while draining */
  enter(): () => void;
  /** Shuts the door; resolves when nobody is inside. */
  drain(): Promise<void>;
}

/** An open door. */
export function createDrainGate(): DrainGate {
  let inside = 0;
  let leaving = false;
  let draining = false;
  const waiting: (() => void)[] = [];
  return {
    get leaving() {
      return leaving;
    },
    announce() {
      leaving = true;
    },
    enter() {
      if (draining)
        throw new TwinrouteError('unavailable', 'origin: the server is stopping; ask another endpoint', { retryAfterSeconds: 1 });
      inside += 1;
      return () => {
        inside -= 1;
        if (draining && inside === 0) for (const resolve of waiting.splice(0)) resolve();
      };
    },
    drain() {
      leaving = true;
      draining = true;
      return inside === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve));
    },
  };
}

/** Passes requests through the gate. */
export function admit(gate: DrainGate): MiddlewareHandler {
  return async function admit(_c, next) {
    const leave = gate.enter();
    try {
      await next();
    } finally {
      leave();
    }
  };
}

/** Asks clients to send no further request on a connection of a server that is leaving: the next one they open may lead elsewhere. */
export function closeConnections(gate: DrainGate): MiddlewareHandler {
  return async function closeConnections(c, next) {
    await next();
    if (gate.leaving) c.header('connection', 'close');
  };
}

// The door of a server that may be closing: it counts who is inside, and once it drains it lets nobody in.

import type { MiddlewareHandler } from 'hono';
import { TwinrouteError } from '../core/errors.ts';

/** State of the door. */
export interface DrainGate {
  readonly draining: boolean;
  /** Lets one request in; the returned function lets it out. @throws {TwinrouteError} `unavailable` while draining */
  enter(): () => void;
  /** Shuts the door; resolves when nobody is inside. */
  drain(): Promise<void>;
}

/** An open door. */
export function createDrainGate(): DrainGate {
  let inside = 0;
  let draining = false;
  const waiting: (() => void)[] = [];
  return {
    get draining() {
      return draining;
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

/** Asks clients to open no further request on a connection of a draining server. */
export function closeConnections(gate: DrainGate): MiddlewareHandler {
  return async function closeConnections(c, next) {
    await next();
    if (gate.draining) c.header('connection', 'close');
  };
}

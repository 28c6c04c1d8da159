// Reading a body with limits that hold while it arrives, whatever its headers promise.

import { DEADLINE_HEADER, OIP_LIMITS } from '../contract/oip.ts';
import { readBounded } from '../contract/read-bounded.ts';
import { isTwinrouteError, TwinrouteError } from '../core/errors.ts';
import type { Clock } from './clock.ts';
import { deadlineOf } from './deadline.ts';

/** What reading needs. */
export interface BodyDeps {
  readonly clock: Clock;
  /** Longest time a request may take, whatever its header says. */
  readonly maxDeadlineMs: number;
}

/**
 * The body's bytes.
 * @throws {TwinrouteError} `too_large` beyond the limit; `request_timeout` when they do not come within the request's deadline; `invalid_request`
 *   when the client leaves, and for a deadline that is none
 */
export async function readBody(request: Request, { clock, maxDeadlineMs }: BodyDeps): Promise<Uint8Array> {
  const nowMs = clock.now();
  const limitMs = deadlineOf(request.headers.get(DEADLINE_HEADER) ?? undefined, nowMs, maxDeadlineMs) - nowMs;
  const { promise: stop, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(limitMs, () =>
    reject(new TwinrouteError('request_timeout', 'body: expected all of it within the deadline, got less')),
  );
  try {
    const { bodyBytes } = OIP_LIMITS;
    const tooLarge = (): TwinrouteError => new TwinrouteError('too_large', `body: expected at most ${bodyBytes} bytes, got more`);
    return await readBounded(request, bodyBytes, tooLarge, stop);
  } catch (cause) {
    throw isTwinrouteError(cause) ? cause : new TwinrouteError('invalid_request', 'body: expected all of it, got less', { cause });
  } finally {
    cancel();
  }
}

// How long a call may take, and who may end it earlier.

import { TimeoutError } from './errors.ts';
import type { CallOptions, Settings } from './options.ts';

const DEFAULT_MS = 60_000;

/** A call's time. */
export interface Deadline {
  /** Aborted at its end, and when the caller aborts. */
  readonly signal: AbortSignal;
  /** Milliseconds left. */
  remainingMs(): number;
  /** Whether the caller set it. */
  readonly isOwn: boolean;
  /** What a call that its signal ended rejects with: the caller's reason, or a `TimeoutError`. */
  reason(): unknown;
}

/** Starts a call's time. */
export function startDeadline(settings: Settings, { signal, timeoutMs = settings.timeoutMs }: CallOptions): Deadline {
  const longestMs = timeoutMs ?? DEFAULT_MS;
  const endMs = performance.now() + longestMs;
  const timeout = AbortSignal.timeout(longestMs);
  return {
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    remainingMs: () => endMs - performance.now(),
    isOwn: timeoutMs !== undefined,
    reason: () => (signal?.aborted === true ? signal.reason : new TimeoutError(`expected an answer within ${longestMs} ms, got none`)),
  };
}

/** Resolves after `ms`. @throws the deadline's reason when it comes first */
export function sleep(ms: number, deadline: Deadline): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(deadline.reason());
    };
    const timer = setTimeout(() => {
      deadline.signal.removeEventListener('abort', end);
      resolve();
    }, ms);
    if (deadline.signal.aborted) end();
    else deadline.signal.addEventListener('abort', end, { once: true });
  });
}

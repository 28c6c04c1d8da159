// Failures outside of any request to the app: in a Durable Object, or at the end of a queue.

import { safeError } from '../../core/observe/safe-error.ts';

/** Writes a line as the app's own log does. @param expected in words of ours */
export function logFailure(expected: string, account: string, thrown?: unknown): void {
  console.error(
    JSON.stringify({
      level: 'error',
      event: 'failure',
      account,
      message: expected,
      ...(thrown !== undefined && { cause: safeError(thrown) }),
    }),
  );
}

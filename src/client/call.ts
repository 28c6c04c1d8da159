// A call: attempts until one is answered, or another one is not worth it.

import { attempt, type ApiRequest } from './attempt.ts';
import { isRetryable, waitMs } from './backoff.ts';
import { sleep, startDeadline, type Deadline } from './deadline.ts';
import { ApiError, ClientError } from './errors.ts';
import { factsOf } from './facts.ts';
import type { CallOptions, Settings } from './options.ts';

/** What is asked. */
export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly accept: string;
  /** The request's name, the same in each attempt; undefined where nothing is charged. */
  readonly name?: string | undefined;
}

/**
 * The answer, in whatever number of attempts.
 * @param take reads the body of the answer that counts
 * @throws {ClientError} the last attempt's, once there is no retry, no time, or no sense in another one
 */
export async function call<T>(
  settings: Settings,
  question: Question,
  options: CallOptions,
  take: (response: Response, deadline: Deadline) => Promise<T>,
  deadline: Deadline = startDeadline(settings, options),
): Promise<T> {
  const retries = options.retries ?? settings.retries;
  const body = question.body === undefined ? undefined : JSON.stringify(question.body);
  for (let made = 1; ; made++) {
    try {
      const request = { method: question.method, path: question.path, headers: headersOf(settings, question, options, deadline) };
      return await attempt(settings, body === undefined ? request : { ...request, body }, deadline, async (response) => {
        const answer = await take(response, deadline);
        options.onAnswer?.(factsOf(response, made));
        return answer;
      });
    } catch (error) {
      if (error instanceof ClientError) error.attempts = made;
      if (made > retries || !isRetryable(error)) throw error;
      const ms = waitMs(made, error instanceof ApiError ? error.retryAfterMs : undefined, settings.random());
      // What cannot be in time is not waited for: the error says more than a deadline that passed.
      if (ms >= deadline.remainingMs()) throw error;
      await sleep(ms, deadline);
    }
  }
}

/** A name that nobody else has; `randomUUID` is missing on pages without TLS. */
export function newName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function headersOf(
  settings: Settings,
  { method, body, accept, name }: Question,
  { requestId, arm }: CallOptions,
  deadline: Deadline,
): ApiRequest['headers'] {
  return {
    ...settings.headers,
    accept,
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(settings.key !== undefined && { authorization: `Bearer ${settings.key}` }),
    ...(name !== undefined && { 'idempotency-key': name }),
    ...(requestId !== undefined && { 'x-request-id': requestId }),
    ...(arm !== undefined && { 'x-twinroute-arm': arm }),
    // The edge stops when nobody waits any longer.
    ...(deadline.isOwn && method === 'POST' && { 'x-request-timeout-ms': String(Math.max(1, Math.floor(deadline.remainingMs()))) }),
  };
}

// One attempt of a call.

import { retryAfterMs } from './backoff.ts';
import type { Deadline } from './deadline.ts';
import { ApiError, ConnectionError } from './errors.ts';
import type { Settings } from './options.ts';
import type { ErrorBody } from './types.ts';

/** A request, the same in each attempt. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly body?: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The answer to one attempt, taken from a response of status 200.
 * @param take reads the body
 * @throws {ApiError} for any other status
 * @throws {ConnectionError} when there is none, or it takes too long to begin
 */
export async function attempt<T>(
  settings: Settings,
  { method, path, body, headers }: ApiRequest,
  deadline: Deadline,
  take: (response: Response) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), settings.attemptMs);
  try {
    const response = await settings.fetch(settings.url + path, {
      method,
      headers: { ...headers },
      ...(body !== undefined && { body }),
      signal: AbortSignal.any([deadline.signal, late.signal]),
    });
    clearTimeout(timer);
    if (!response.ok) throw await errorOf(response);
    return await take(response);
  } catch (cause) {
    if (deadline.signal.aborted) throw deadline.reason();
    if (cause instanceof ApiError || cause instanceof ConnectionError) throw cause;
    const expected = late.signal.aborted ? `the head of an answer within ${settings.attemptMs} ms` : 'an answer';
    throw new ConnectionError(`${method} ${path}: expected ${expected}, got none`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const { status, headers } = response;
  const text = await response.text();
  return new ApiError({
    status,
    retryAfterMs: retryAfterMs(headers.get('retry-after'), Date.now()),
    error: readError(text) ?? {
      // Something between us and the edge has answered.
      code: 'unknown',
      message: `expected an answer of the edge, got status ${status}`,
      request_id: headers.get('x-request-id') ?? '',
    },
  });
}

/** The error of a body in the interface's shape. */
function readError(text: string): ErrorBody['error'] | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return isErrorBody(body) ? body.error : undefined;
  } catch {
    return undefined;
  }
}

function isErrorBody(body: unknown): body is ErrorBody {
  if (typeof body !== 'object' || body === null || !('error' in body)) return false;
  const { error } = body;
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error && 'request_id' in error;
}

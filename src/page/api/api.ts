// Requests to the edge that this page came from. Answers are held against the same schemas that the edge answers by.

import * as z from 'zod/mini';
import { ErrorBody } from '../../contract/http.ts';
import { ApiError, isAbort } from './api-error.ts';

/** An answer with what its headers say. */
export interface Answer<T> {
  readonly body: T;
  readonly headers: Headers;
  readonly requestId: string;
  /** As the browser saw it, the way there and back included. */
  readonly tookMs: number;
}

/** Options of one request. */
export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE' | 'PATCH';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** The edge's interface. */
export interface Api {
  /** @throws {ApiError} for anything but an answer of that schema; an abort throws what `fetch` throws */
  call<T extends z.core.$ZodType>(schema: T, path: string, options?: CallOptions): Promise<Answer<z.core.output<T>>>;
}

/** What requests are made with. */
export interface ApiDeps {
  /** What is sent for this path as `Bearer`, if anything. */
  readonly credentialFor: (path: string) => string | undefined;
  readonly fetch: typeof fetch;
  /** Milliseconds. */
  readonly now: () => number;
}

/** The interface over `fetch`, on this page's own origin. */
export function createApi({ credentialFor, fetch, now }: ApiDeps): Api {
  return {
    async call(schema, path, { method = 'GET', body, signal } = {}) {
      const credential = credentialFor(path);
      const headers = {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
      };
      const startMs = now();
      let response: Response;
      let text: string;
      try {
        response = await fetch(path, {
          method,
          headers,
          cache: 'no-store',
          credentials: 'omit',
          ...(body !== undefined && { body: JSON.stringify(body) }),
          ...(signal !== undefined && { signal }),
        });
        text = await response.text();
      } catch (cause) {
        if (isAbort(cause)) throw cause;
        const message = 'The edge could not be reached. It may be restarting, or this machine is offline.';
        throw new ApiError({ code: 'network', message, status: 0, requestId: undefined }, cause);
      }
      const requestId = response.headers.get('x-request-id') ?? '';
      const json = readJson(text);
      if (!response.ok) throw refused(response, json, requestId);
      const parsed = z.safeParse(schema, json);
      if (!parsed.success) throw unreadable(response.status, requestId, parsed.error);
      return { body: parsed.data, headers: response.headers, requestId, tookMs: now() - startMs };
    },
  };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refused({ status, headers }: Response, json: unknown, requestId: string): ApiError {
  const parsed = z.safeParse(ErrorBody, json);
  if (!parsed.success) return unreadable(status, requestId, parsed.error);
  const { code, message, details, request_id } = parsed.data.error;
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN);
  const retryAfterSeconds = Number.isFinite(retryAfter) ? retryAfter : undefined;
  return new ApiError({ code, message, status, requestId: request_id, retryAfterSeconds, details });
}

function unreadable(status: number, requestId: string, cause: unknown): ApiError {
  const message = 'The edge answered in a form that this page does not know. It may be of another version: reload the page.';
  return new ApiError({ code: 'unreadable', message, status, requestId: requestId === '' ? undefined : requestId }, cause);
}

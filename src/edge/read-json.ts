// A request's JSON body, held against what the interface allows before anything is built from it.

import { HTTP_LIMITS } from '../contract/http.ts';
import { checkJsonDepth } from '../contract/json-depth.ts';
import { readBounded } from '../contract/read-bounded.ts';
import { isTwinrouteError, TwinrouteError } from '../core/errors.ts';

/**
 * The parsed body.
 * @param limitMs longest wait for all of it
 * @throws {TwinrouteError} `invalid_request` when it is not declared as JSON, not UTF-8, not JSON or nested too deep; `too_large` beyond the limit;
 *   `request_timeout` when it does not come in time
 */
export async function readJson(request: Request, limitMs: number = HTTP_LIMITS.bodyMs): Promise<unknown> {
  const type = request.headers.get('content-type') ?? 'nothing';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new TwinrouteError('invalid_request', `content-type: expected application/json, got ${type.slice(0, 100)}`, {
      param: 'content-type',
    });
  }
  const text = decode(await readBody(request, HTTP_LIMITS.bodyBytes, limitMs));
  checkJsonDepth(text, HTTP_LIMITS.jsonDepth);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TwinrouteError('invalid_request', 'body: expected JSON in UTF-8, got something else', { cause });
  }
}

/**
 * The body's bytes.
 * @param limitMs longest wait for all of them
 * @throws {TwinrouteError} `too_large` beyond `limitBytes`; `request_timeout` when they do not come in time; `invalid_request` when the caller leaves
 */
export async function readBody(request: Request, limitBytes: number, limitMs: number): Promise<Uint8Array> {
  const { promise: stop, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new TwinrouteError('request_timeout', `body: expected all of it in ${limitMs} ms, got less`)),
    limitMs,
  );
  try {
    return await readBounded(
      request,
      limitBytes,
      () => new TwinrouteError('too_large', `body: expected at most ${limitBytes} bytes, got more`),
      stop,
    );
  } catch (cause) {
    throw isTwinrouteError(cause) ? cause : new TwinrouteError('invalid_request', 'body: expected all of it, got less', { cause });
  } finally {
    clearTimeout(timer);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new TwinrouteError('invalid_request', 'body: expected JSON in UTF-8, got something else', { cause });
  }
}

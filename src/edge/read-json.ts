// A request's JSON body, held against what the interface allows before anything is built from it.

import { HTTP_LIMITS } from '../contract/http.ts';
import { TwinrouteError } from '../core/errors.ts';
import { readBounded } from '../contract/read-bounded.ts';

/**
 * The parsed body.
 * @throws {TwinrouteError} `invalid_request` when it is not declared as JSON, not UTF-8 or not JSON; `too_large` beyond the limit
 */
export async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get('content-type') ?? 'nothing';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new TwinrouteError('invalid_request', `content-type: expected application/json, got ${type.slice(0, 100)}`, {
      param: 'content-type',
    });
  }
  const bytes = await readBounded(
    request,
    HTTP_LIMITS.bodyBytes,
    () => new TwinrouteError('too_large', `body: expected at most ${HTTP_LIMITS.bodyBytes} bytes, got more`),
  );
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch (cause) {
    throw new TwinrouteError('invalid_request', 'body: expected JSON in UTF-8, got something else', { cause });
  }
}

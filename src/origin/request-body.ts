// Reading a body with a limit that holds while it arrives, whatever its headers promise.

import { readBounded } from '../contract/read-bounded.ts';
import { TwinrouteError } from '../core/errors.ts';

/**
 * The body's bytes.
 * @throws {TwinrouteError} `too_large` beyond `limitBytes`
 */
export function readBody(request: Request, limitBytes: number): Promise<Uint8Array> {
  return readBounded(request, limitBytes, () => new TwinrouteError('too_large', `body: expected at most ${limitBytes} bytes, got more`));
}

/** Media types of an inference request: JSON, and JSON with raw tensors behind it. Some clients send none. */
const MEDIA_TYPES = ['application/json', 'application/octet-stream'];

/**
 * Does nothing when the headers describe a body that this server reads.
 * @throws {TwinrouteError} `invalid_request` for another media type or for a compressed body
 */
export function checkMediaType(headers: Headers): void {
  const type = headers.get('content-type')?.split(';')[0].trim().toLowerCase();
  if (type !== undefined && type !== '' && !MEDIA_TYPES.includes(type)) {
    throw new TwinrouteError('invalid_request', `content-type: expected ${MEDIA_TYPES.join(' or ')}, got ${type}`, {
      param: 'content-type',
    });
  }
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity')
    throw new TwinrouteError('invalid_request', `content-encoding: expected none, got ${encoding}`, { param: 'content-encoding' });
}

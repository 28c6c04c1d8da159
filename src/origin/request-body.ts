// Reading a body with a limit that holds while it arrives, whatever its headers promise.

import { TwinrouteError } from '../core/errors.ts';

/**
 * The body's bytes.
 * @throws {TwinrouteError} `too_large` as soon as more than `limitBytes` are announced or have come
 */
export async function readBody(request: Request, limitBytes: number): Promise<Uint8Array> {
  const tooLarge = (): TwinrouteError => new TwinrouteError('too_large', `body: expected at most ${limitBytes} bytes, got more`);
  if (Number(request.headers.get('content-length') ?? 0) > limitBytes) throw tooLarge();
  if (request.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.length;
    if (size > limitBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size);
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

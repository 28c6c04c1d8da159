// What bodies of inference requests may call themselves.

import { TwinrouteError } from '../../core/errors.ts';

/** Media types of an inference request: JSON, and JSON with raw tensors behind it. Some clients send none. */
const MEDIA_TYPES = ['application/json', 'application/octet-stream'];

/**
 * Does nothing for a body that is read here.
 * @param type value of the header `content-type`
 * @throws {TwinrouteError} `invalid_request` for another media type
 */
export function checkMediaType(type: string | undefined): void {
  const named = type?.split(';')[0].trim().toLowerCase();
  if (named !== undefined && named !== '' && !MEDIA_TYPES.includes(named)) {
    throw new TwinrouteError('invalid_request', `content-type: expected ${MEDIA_TYPES.join(' or ')}, got ${named.slice(0, 100)}`, {
      param: 'content-type',
    });
  }
}

// Who holds the root secret may use the admin API.

import type { MiddlewareHandler } from 'hono';
import { TwinrouteError } from '../../core/errors.ts';
import { equalText } from '../../core/keys/equal-text.ts';
import { sha256Hex } from '../sha256.ts';
import type { EdgeTypes } from '../types.ts';

/** Lets in who sends the secret; nobody where there is none. */
export function rootSecret(adminSecret: string | undefined): MiddlewareHandler<EdgeTypes> {
  return async function rootSecretMiddleware(c, next) {
    const sent = /^Bearer (.{1,1000})$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    // Hashes are of one length, and tell nothing by where they differ.
    if (adminSecret === undefined || !equalText(await sha256Hex(sent), await sha256Hex(adminSecret)))
      throw new TwinrouteError('unauthorized', 'authorization: expected the root secret, got something else', { param: 'authorization' });
    await next();
  };
}

// Every request has an id: the caller's own when it is a plain one, else a new one. It is in every answer, every error and every call upstream.

import type { MiddlewareHandler } from 'hono';
import { REQUEST_ID_HEADER } from '../../contract/oip.ts';
import { holdsKey } from '../../core/keys/key-text.ts';
import type { EdgeTypes } from '../types.ts';

const PLAIN_ID = /^[\w.:-]{1,100}$/;

/** Sets the variable `requestId` and the header. */
export function requestId(options: { readonly newId: () => string }): MiddlewareHandler<EdgeTypes> {
  return async function requestIdMiddleware(c, next) {
    const sent = c.req.header(REQUEST_ID_HEADER);
    const id = sent !== undefined && PLAIN_ID.test(sent) && !holdsKey(sent) ? sent : options.newId();
    c.set('requestId', id);
    c.header(REQUEST_ID_HEADER, id);
    await next();
  };
}

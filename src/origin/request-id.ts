// Every request has an id: the caller's when it is well formed, else a new one. It is echoed, logged and part of every error.

import type { MiddlewareHandler } from 'hono';
import { REQUEST_ID_HEADER } from '../contract/oip.ts';
import type { TraceContext } from '../core/observe/trace-context.ts';
import type { SignedRequest } from '../formats/signing/request-signature.ts';
import type { Inference } from './observe/watch.ts';

/** What the server's handlers share of a request. */
export interface OriginEnv {
  Variables: {
    requestId: string;
    /** The request's own place in a trace; undefined for what is no inference. */
    trace: TraceContext | undefined;
    /** What is known of an inference, once its model is. */
    inferred: Pick<Inference, 'model' | 'version' | 'rows' | 'times'> | undefined;
    /** The request as an edge signed it, with its body; undefined where none has to sign. */
    signed: { readonly request: SignedRequest; readonly body: Uint8Array; readonly nonce: string } | undefined;
  };
}

/** Ids go into logs and headers, so their letters are few and their length is bounded. */
const WELL_FORMED = /^[\w.:-]{1,128}$/;

/** Sets `requestId` and echoes it. */
export function requestId({ newId }: { readonly newId: () => string }): MiddlewareHandler<OriginEnv> {
  return async function requestId(c, next) {
    const given = c.req.header(REQUEST_ID_HEADER);
    const id = given !== undefined && WELL_FORMED.test(given) ? given : newId();
    c.set('requestId', id);
    await next();
    c.header(REQUEST_ID_HEADER, id);
  };
}

// Lets in only what a trusted edge has signed. Health is told to anybody: load balancers ask for it.

import type { MiddlewareHandler } from 'hono';
import type { KeyRing } from '../formats/signing/key-ring.ts';
import { checkDigest, NONCE_MEMORY_MS, verifyRequest, type SignedRequest } from '../formats/signing/request-signature.ts';
import { createNonces } from './nonces.ts';
import type { ReceiptBook } from './receipt-book.ts';
import { readBody, type BodyDeps } from './request-body.ts';
import type { OriginEnv } from './request-id.ts';

/** Nonces of one period of memory: 6,000 requests a second, in about 40 MB. */
const NONCE_LIMIT = 250_000;

/** Whom an origin trusts. */
export interface Trust {
  /** Keys of edges, and the origin's own for receipts. */
  readonly keys: KeyRing;
  /** Host (and port) that edges know this origin by, where a proxy in between changes the Host header. */
  readonly authority?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Where the origin keeps the receipts that it gives, for edges to compare with what they charged; closed with the origin. */
  readonly book?: ReceiptBook | undefined;
}

/** Refuses requests without a valid signature with 401; keeps the verified request and its body for the handlers. */
export function signedRequests({ keys, authority, now }: Trust, deps: BodyDeps): MiddlewareHandler<OriginEnv> {
  const remember = createNonces(NONCE_MEMORY_MS, NONCE_LIMIT, now);
  const sinceMs = now();
  return async function signedRequestsMiddleware(c, next) {
    if (!c.req.path.startsWith('/v2/health/')) {
      const request = readSigned(c.req.raw, authority);
      const nonce = await verifyRequest({ keys, now, remember, sinceMs }, request);
      const body = await readBody(c.req.raw, deps);
      await checkDigest(request.headers, body);
      c.set('signed', { request, body, nonce });
    }
    await next();
  };
}

function readSigned({ method, url, headers }: Request, authority: string | undefined): SignedRequest {
  const target = new URL(url);
  if (authority !== undefined) target.host = authority;
  return { method, url: target.href, headers: Object.fromEntries(headers) };
}

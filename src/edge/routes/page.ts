// The operator's page at `/`, and its script and style under /page. Nothing else of the assets can be reached from outside: packs are not.

import type { Context, Hono } from 'hono';
import { TwinrouteError } from '../../core/errors.ts';
import type { EdgeTypes } from '../types.ts';

/** Reads a file of the page; undefined in a deployment without one. */
export type FetchPage = (path: string, headers: Headers) => Promise<Response>;

/** Nothing from elsewhere, nothing inline, and no string is ever taken for HTML or code. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Headers of everything that belongs to the page. */
const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** What browsers ask for again, by etag; and what has its hash in its name. */
const REVALIDATED = 'no-cache';
const IMMUTABLE = 'public, max-age=31536000, immutable';

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Adds the page's routes; they are no part of the interface that /openapi.json tells of. */
export function servePage(app: Hono<EdgeTypes>, fetchPage: FetchPage): void {
  app.get('/', (c) => send(c, fetchPage, '', { 'content-type': 'text/html; charset=utf-8', 'cache-control': REVALIDATED }));
  app.get('/page/:file{[a-z]+-[A-Za-z0-9]+\\.(?:js|css|svg)}', (c) => {
    const file = c.req.param('file');
    const type = TYPES[file.slice(file.lastIndexOf('.') + 1)];
    return send(c, fetchPage, file, { 'content-type': type ?? '', 'cache-control': IMMUTABLE });
  });
}

/** A file, or that the browser's copy of it is still good. */
async function send(c: Context<EdgeTypes>, fetchPage: FetchPage, path: string, headers: Record<string, string>): Promise<Response> {
  const known = c.req.header('if-none-match');
  const response = await fetchPage(path, new Headers(known === undefined ? {} : { 'if-none-match': known }));
  const { status } = response;
  if (status !== 200 && status !== 304) {
    await response.body?.cancel();
    throw new TwinrouteError('not_found', `page: expected a deployment that has ${path === '' ? 'the page' : path}, got none`);
  }
  for (const [name, value] of Object.entries({ ...HEADERS, ...headers })) c.header(name, value);
  const etag = response.headers.get('etag');
  if (etag !== null) c.header('etag', etag);
  return status === 200 && response.body !== null ? c.body(response.body, status) : c.body(null, status);
}

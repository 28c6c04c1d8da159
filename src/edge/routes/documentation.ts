// GET /openapi.json and GET /docs: what this deployment can be asked.

import type { OpenApiDocument } from '../openapi/types.ts';
import { docsPage } from '../docs/page.ts';
import { STYLE } from '../docs/style.ts';
import type { Route } from '../route.ts';

/** These routes. The document is made when it is first asked for. */
export function documentationRoutes(describe: () => OpenApiDocument): readonly Route[] {
  let document: OpenApiDocument | undefined;
  return [
    {
      method: 'get',
      path: '/openapi.json',
      access: 'public',
      summary: 'Describes this interface as OpenAPI 3.1',
      answer: 'OpenApiDocument',
      handler: (c) => c.json((document ??= describe())),
    },
    {
      method: 'get',
      path: '/docs',
      access: 'public',
      summary: 'Describes this interface as a page',
      answer: { type: 'text/html', description: 'The page' },
      async handler(c) {
        const { origin } = new URL(c.req.url);
        return c.body(docsPage((document ??= describe()), origin), 200, {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': `default-src 'none'; style-src 'sha256-${await sha256Base64(STYLE)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
        });
      },
    },
  ];
}

/** The hash by which a policy names what it allows. */
async function sha256Base64(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...hash));
}

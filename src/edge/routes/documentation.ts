// GET /openapi.json: what this deployment can be asked.

import type { OpenApiDocument } from '../openapi/document.ts';
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
  ];
}

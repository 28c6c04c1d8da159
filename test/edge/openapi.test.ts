import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { HTTP_LIMITS } from '../../src/contract/http.ts';
import { parseJsonWith, parseWith } from '../../src/contract/parse.ts';
import { EXAMPLES } from '../../src/edge/openapi/examples.ts';
import { ANSWERS, REQUESTS } from '../../src/edge/openapi/schemas.ts';
import { createPaidHarness } from './accounts/harness.ts';
import { createHarness } from './helpers/harness.ts';

const Answer = z.object({ content: z.record(z.string(), z.unknown()), headers: z.record(z.string(), z.unknown()) });
const Operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  tags: z.array(z.string()),
  security: z.optional(z.array(z.record(z.string(), z.array(z.string())))),
  parameters: z.array(z.object({ name: z.string(), in: z.string(), schema: z.unknown(), description: z.string() })),
  responses: z.record(z.string(), Answer),
});
const Document = z.object({
  openapi: z.literal('3.1.0'),
  tags: z.array(z.object({ name: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({
    schemas: z.record(z.string(), z.unknown()),
    headers: z.record(z.string(), z.unknown()),
    securitySchemes: z.optional(z.record(z.string(), z.unknown())),
  }),
});

async function read(app: ReturnType<typeof createHarness>['app']) {
  const text = await (await app.request('/openapi.json')).text();
  const document = parseJsonWith(Document, text, 'openapi.json', 'internal');
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, ...operation })),
  );
  return { text, document, operations };
}

test.each([
  ['without keys', () => createHarness()],
  ['with keys', () => createPaidHarness()],
])('the document describes every route, %s', async (_, create) => {
  const { app } = create();
  const { operations } = await read(app);
  // What the app was given, less the catch-all of each path and the middleware.
  const served = app.routes
    .filter(({ method, path }) => method !== 'ALL' && !path.endsWith('*'))
    .map(({ method, path }) => `${method} ${path}`);
  const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
  expect(new Set(described)).toEqual(new Set(served));
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
});

test('every reference leads somewhere', async () => {
  const { text, document } = await read(createPaidHarness().app);
  const references = [...text.matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)];
  expect(references.length).toBeGreaterThan(100);
  const { schemas, headers } = document.components;
  for (const [, kind, name] of references) expect(kind === 'headers' ? headers : schemas).toHaveProperty([name]);
  expect(schemas['PredictInput']).toMatchObject({
    type: 'object',
    required: ['text'],
    additionalProperties: false,
    properties: { text: { type: 'string', maxLength: HTTP_LIMITS.textChars } },
  });
});

test('what an operation needs and how it fails follows from its route', async () => {
  const { document } = await read(createPaidHarness().app);
  const predict = document.paths['/v1/predict']['post'];
  expect(predict.security).toEqual([{ key: [] }]);
  expect(Object.keys(predict.responses)).toEqual([
    '200',
    '400',
    '401',
    '402',
    '403',
    '404',
    '408',
    '409',
    '413',
    '429',
    '500',
    '501',
    '502',
    '503',
    '504',
  ]);
  expect(predict.parameters.map(({ name }) => name)).toEqual([
    'x-request-timeout-ms',
    'x-twinroute-arm',
    'idempotency-key',
    'x-request-id',
  ]);
  expect(predict.responses['200'].headers).toHaveProperty(['x-usage-micros']);
  expect(document.paths['/admin/v1/accounts']['post'].security).toEqual([{ root: [] }]);
  expect(document.paths['/health']['get'].security).toBeUndefined();
  expect(document.components.securitySchemes).toHaveProperty('root');
  const open = await read(createHarness().app);
  expect(open.document.components.securitySchemes).toBeUndefined();
  expect(Object.keys(open.document.paths['/v1/predict']['post'].responses)).not.toContain('402');
});

test('each example fits its schema', () => {
  const schemas: Readonly<Record<string, z.core.$ZodType>> = { ...REQUESTS, ...ANSWERS };
  for (const [name, examples] of Object.entries(EXAMPLES))
    for (const value of Object.values(examples)) expect(() => parseWith(schemas[name], value, name, 'internal')).not.toThrow();
});

// The OpenAPI document, generated from the schemas that parse the requests and from the list of routes.

import * as z from 'zod/mini';
import { ERROR_CODES, type ErrorCode } from '../../core/errors.ts';
import { EXAMPLES } from './examples.ts';
import type { ApiOperation, OtherBody } from './operation.ts';
import { HEADERS, PARAMETERS, PATH_PARAMETERS, type HeaderName } from './parameters.ts';
import { ANSWERS, REQUESTS, type AnswerName, type RequestName } from './schemas.ts';
import type { Answer, Content, Media, OpenApiDocument, Operation, Parameter, Schema } from './types.ts';

const TITLE = 'twinroute';
const DESCRIPTION = 'One merged model that behaves like many fine-tuned experts: a text goes to a mix of experts, and is answered.';

/** How requests carry their keys, and the operator's carry the root secret. */
const KEYS = {
  key: { type: 'http', scheme: 'bearer', description: "An account's key" },
  root: { type: 'http', scheme: 'bearer', description: 'The root secret of the deployment' },
} as const;
/** How requests carry what they are paid with. */
const PAYMENTS = {
  payment: {
    type: 'apiKey',
    in: 'header',
    name: 'PAYMENT-SIGNATURE',
    description:
      'A payment by x402 version 2: base64 of JSON, signed for one of the terms that a 402 offers in PAYMENT-REQUIRED. Sent again with the same body it is answered as before and paid once',
  },
} as const;

/** How a deployment's requests may be paid for. */
export interface WaysToPay {
  readonly keys: boolean;
  /** One by one, without a key. */
  readonly payments: boolean;
}

const ALWAYS: readonly HeaderName[] = ['x-request-id', 'server-timing', 'traceresponse'];
const RATE: readonly HeaderName[] = [
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'ratelimit',
  'ratelimit-policy',
];
const COST: readonly HeaderName[] = ['x-usage-micros', 'x-usage-tokens', 'x-usage-currency', 'x-balance-micros', 'idempotent-replayed'];

const PAYMENT: readonly HeaderName[] = ['payment-response'];

/** Sections of the documentation by the start of a path; the first that fits. */
const TAGS = [
  ['/v1/', 'Answers', 'Texts in, answers out, and what an account may know of itself'],
  ['/v2', 'Open Inference Protocol', 'The same models for Triton and KServe clients'],
  ['/admin/', 'Admin', "The operator's: accounts, keys, credit, exports, publishing; behind the root secret"],
  ['/', 'Service', 'Health and documentation'],
] as const;

/**
 * The OpenAPI 3.1 document of these operations.
 * @param ways how requests are paid for; with none of them they need no key and are free
 */
export function openApi(operations: readonly ApiOperation[], ways: WaysToPay): OpenApiDocument {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const operation of operations) paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation, ways) };
  const tags = TAGS.map(([, name, description]) => ({ name, description }));
  return {
    openapi: '3.1.0',
    info: { title: TITLE, version: '1', description: DESCRIPTION, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    tags: tags.filter(({ name }) => operations.some(({ path }) => tagOf(path) === name)),
    paths,
    components: {
      schemas: { ...schemasOf(REQUESTS, 'input'), ...schemasOf(ANSWERS, 'output') },
      headers: HEADERS,
      ...((ways.keys || ways.payments) && { securitySchemes: { ...(ways.keys && KEYS), ...(ways.payments && PAYMENTS) } }),
    },
  };
}

function describe(operation: ApiOperation, ways: WaysToPay): Operation {
  const { method, path, summary, description, request } = operation;
  const security = securityOf(operation, ways);
  return {
    operationId: operationId(method, path),
    tags: [tagOf(path)],
    summary,
    ...(description !== undefined && { description }),
    ...(security.length > 0 && { security }),
    parameters: parametersOf(operation, ways),
    ...(request !== undefined && {
      requestBody: { required: true, content: bodyOf(request) },
    }),
    responses: { ...answersOf(operation, ways), ...errorsOf(operation, ways) },
  };
}

/** Ways in, any of which will do. */
function securityOf(
  { access, charged = false }: ApiOperation,
  { keys, payments }: WaysToPay,
): readonly Record<string, readonly string[]>[] {
  if (access === 'public') return [];
  return [...(keys ? [{ [access === 'root' ? 'root' : 'key']: [] }] : []), ...(payments && charged ? [{ payment: [] }] : [])];
}

function parametersOf({ path, parameters = [], charged = false }: ApiOperation, { keys }: WaysToPay): readonly Parameter[] {
  const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]): Parameter => ({
    name,
    in: 'path',
    required: true,
    ...PATH_PARAMETERS[name],
  }));
  const named = [...parameters, ...(charged && keys ? ['idempotency' as const] : []), 'requestId' as const];
  return [...inPath, ...named.map((name): Parameter => ({ required: false, ...PARAMETERS[name] }))];
}

function answersOf(
  { answer, otherwise, status = [200], charged = false }: ApiOperation,
  { keys, payments }: WaysToPay,
): Operation['responses'] {
  const content = { ...bodyOf(answer), ...(otherwise && bodyOf(otherwise)) };
  const paid = charged && (keys || payments);
  const names = new Set([...ALWAYS, ...(charged && keys ? RATE : []), ...(paid ? COST : []), ...(charged && payments ? PAYMENT : [])]);
  const headers = headersOf([...names]);
  return Object.fromEntries(status.map((code) => [code, { description: STATUS_TEXT[code], headers, content }]));
}

const STATUS_TEXT = { 200: 'The answer', 201: 'What was made' } as const;

function bodyOf(body: RequestName | AnswerName | OtherBody): Content {
  if (typeof body === 'string') return { 'application/json': { schema: { $ref: refTo(body) }, ...examplesOf(body) } };
  const { type, description, lines } = body;
  const of = lines === undefined ? {} : { contentMediaType: type, contentSchema: { $ref: refTo(lines) } };
  return { [type]: { schema: { type: 'string', description, ...of } } };
}

function errorsOf(operation: ApiOperation, ways: WaysToPay): Operation['responses'] {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codesOf(operation, ways)) {
    const { status } = ERROR_CODES[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    Array.from(byStatus, ([status, codes]) => [status, refusal(codes, operation, ways)] as const).sort(([a], [b]) => a - b),
  );
}

/** Every way in which the operation can fail. */
function codesOf(
  { method, path, request, access, charged = false, parameters = [], errors = [] }: ApiOperation,
  { keys, payments }: WaysToPay,
): Set<ErrorCode> {
  const codes = new Set<ErrorCode>(errors);
  if (request !== undefined) codes.add('invalid_request').add('too_large').add('request_timeout');
  if (parameters.length > 0) codes.add('invalid_request');
  if (method === 'post' && /^\/v\d/.test(path)) codes.add('overloaded');
  if (keys && access !== 'public') {
    codes.add('unauthorized');
    if (access !== 'key' && access !== 'root') codes.add('forbidden');
  }
  if (keys && charged) codes.add('payment_required').add('conflict').add('rate_limited');
  if (payments && charged) codes.add('payment_required').add('conflict').add('upstream');
  return codes.add('internal').add('unavailable');
}

function refusal(
  codes: readonly ErrorCode[],
  { errorBody: body = 'ErrorBody', charged = false }: ApiOperation,
  { payments }: WaysToPay,
): Answer {
  const status = ERROR_CODES[codes[0]].status;
  const schema =
    body === 'ErrorBody'
      ? { allOf: [{ $ref: refTo(body) }, { properties: { error: { properties: { code: { enum: codes } } } } }] }
      : { $ref: refTo(body) };
  const headers = [
    ...ALWAYS,
    ...(status === 401 ? ['www-authenticate' as const] : []),
    ...(RETRYABLE.has(status) ? ['retry-after' as const] : []),
    ...(status === 402 && payments && charged ? ['payment-required' as const, 'payment-response' as const] : []),
  ];
  return { description: `Refused: ${codes.join(', ')}`, headers: headersOf(headers), content: { 'application/json': { schema } } };
}

/** Statuses that may say when to come again. */
const RETRYABLE: ReadonlySet<number> = new Set([404, 409, 429, 503]);

function headersOf(names: readonly HeaderName[]): Answer['headers'] {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function examplesOf(name: string): Pick<Media, 'examples'> {
  const examples = Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name] : undefined;
  return examples === undefined ? {} : { examples: Object.fromEntries(Object.entries(examples).map(([key, value]) => [key, { value }])) };
}

function schemasOf(named: Readonly<Record<string, z.core.$ZodType>>, io: 'input' | 'output'): Record<string, Schema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  // Zod's own objects carry functions too; what is left is what is sent.
  return JSON.parse(JSON.stringify(z.toJSONSchema(registry, { uri: refTo, io }).schemas));
}

/** `getV1Experts` of `GET /v1/experts`. */
function operationId(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter(Boolean);
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function tagOf(path: string): string {
  return TAGS.find(([start]) => path.startsWith(start))?.[1] ?? TITLE;
}

function refTo(id: string): string {
  return `#/components/schemas/${id}`;
}

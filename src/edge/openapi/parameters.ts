// Parameters and headers that operations share, each described once.

import { TIMEOUT_HEADER } from '../deadline.ts';
import { IDEMPOTENCY_HEADER } from '../accounts/headers.ts';
import { ARM_HEADER } from '../experiments/enrol.ts';
import { REQUEST_ID_HEADER } from '../../contract/oip.ts';
import type { Parameter } from './types.ts';

const NAME = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' } as const;
const CONFIG = { type: 'string', pattern: '^[0-9a-f]{16}$' } as const;
const ACCOUNT = { type: 'string' } as const;
const COUNT = { type: 'string', pattern: '^[0-9]{1,15}$' } as const;
const MICROS = { type: 'integer', minimum: 0 } as const;

/** Parameters of queries and headers of requests; none is required. */
export const PARAMETERS = {
  requestId: {
    name: REQUEST_ID_HEADER,
    in: 'header',
    description:
      "The request's id, repeated in the answer, in errors and in every call to an origin; made up unless it is 1 to 100 letters, digits, dots, colons, dashes or underscores",
    schema: { type: 'string' },
  },
  idempotency: {
    name: IDEMPOTENCY_HEADER,
    in: 'header',
    description:
      'Names the request within its key for a day: sent again with the same body it is answered as before and charged once; with another body it is refused with 409. Only where requests are charged',
    schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
  },
  timeout: {
    name: TIMEOUT_HEADER,
    in: 'header',
    description: 'Milliseconds after which the caller stops waiting; lowers the deadline, and what is left of it travels to the origin',
    schema: { type: 'integer', minimum: 1, maximum: 999_999_999 },
  },
  arm: {
    name: ARM_HEADER,
    in: 'header',
    description: 'Names an arm, as EXPERIMENT=ARM, of an experiment that allows it',
    schema: { type: 'string', pattern: '^[^=]+=[^=]+$' },
  },
  config: { name: 'config', in: 'query', description: 'Id of a config; the first one when absent', schema: CONFIG },
  after: { name: 'after', in: 'query', description: 'The place to go on from: `next` of the page before', schema: COUNT },
  before: { name: 'before', in: 'query', description: 'The place to go back from, latest first; instead of `after`', schema: COUNT },
  afterAccount: { name: 'after', in: 'query', description: 'The id to go on from', schema: ACCOUNT },
  limit: { name: 'limit', in: 'query', description: 'Lines of the page, at most 1000; 100 when absent', schema: COUNT },
  accountAfter: {
    name: 'after',
    in: 'query',
    description: "The place in the account's ledger to go on from; only beside `account`",
    schema: COUNT,
  },
  account: { name: 'account', in: 'query', description: 'Id of one account; every one when absent', schema: ACCOUNT },
  format: { name: 'format', in: 'query', description: 'How events are written', schema: { enum: ['cloudevents', 'stripe'] } },
  meter: { name: 'meter', in: 'query', description: "Name of Stripe's meter", schema: { type: 'string', default: 'twinroute_usage' } },
  receiptsHours: {
    name: 'receipts_hours',
    in: 'query',
    description: 'How far back origins are asked for their receipts; 0 leaves them out',
    schema: { ...COUNT, default: '24' },
  },
  grace: { name: 'grace_seconds', in: 'query', description: 'How long the queue may take before an event is missed', schema: COUNT },
} as const;

/** Name of a parameter. */
export type ParameterName = keyof typeof PARAMETERS;

/** Parameters of paths, by the name in braces. */
export const PATH_PARAMETERS: Readonly<Record<string, Pick<Parameter, 'description' | 'schema'>>> = {
  key: { description: 'Id of a key, or the key of an experiment', schema: { type: 'string', minLength: 1 } },
  account: { description: "An account's id", schema: ACCOUNT },
  model: { description: 'Name of a model', schema: NAME },
  version: { description: 'Id of a config', schema: CONFIG },
  config: { description: 'Id of a config', schema: CONFIG },
  sha256: { description: "Hash of a file's bytes", schema: { type: 'string', pattern: '^[0-9a-f]{64}$' } },
  release: { description: 'Version of a release', schema: { type: 'string', pattern: '^[0-9]{1,15}$' } },
};

/** Headers of answers. */
export const HEADERS = {
  'x-request-id': { description: "The request's id", schema: { type: 'string' } },
  'server-timing': { description: 'Milliseconds of the router, the origin and the whole', schema: { type: 'string' } },
  traceresponse: { description: "The request's place in a trace, as W3C Trace Context writes it", schema: { type: 'string' } },
  'retry-after': { description: 'Seconds after which a retry makes sense', schema: { type: 'integer', minimum: 1 } },
  'www-authenticate': { description: 'How to authenticate', schema: { type: 'string' } },
  'x-usage-micros': { description: 'What the answer cost, in micro-units', schema: MICROS },
  'x-usage-tokens': { description: 'Tokens that were read', schema: MICROS },
  'x-usage-currency': { description: 'The unit whose millionths amounts are', schema: { type: 'string' } },
  'x-balance-micros': { description: 'Credit that is left', schema: { type: 'integer' } },
  'idempotent-replayed': { description: 'true: the answer that the first request of this name got', schema: { const: 'true' } },
  'payment-required': {
    description: 'What may be paid, by x402 version 2: base64 of JSON with `resource`, `accepts` and `extensions`',
    schema: { type: 'string', contentEncoding: 'base64', contentMediaType: 'application/json' },
  },
  'payment-response': {
    description: 'What became of the payment: base64 of JSON with `success`, `transaction`, `network`, `payer` and `errorReason`',
    schema: { type: 'string', contentEncoding: 'base64', contentMediaType: 'application/json' },
  },
  'x-ratelimit-limit-requests': { description: "The key's requests a minute", schema: MICROS },
  'x-ratelimit-remaining-requests': { description: 'How many are left', schema: MICROS },
  'x-ratelimit-reset-requests': {
    description: 'Time until the count starts anew, such as 12s',
    schema: { type: 'string', pattern: '^[0-9]+s$' },
  },
  ratelimit: { description: 'The same as a structured field: name, requests left and seconds to the reset', schema: { type: 'string' } },
  'ratelimit-policy': { description: 'The limit as a structured field: name, requests and seconds', schema: { type: 'string' } },
} as const;

/** Name of an answer's header. */
export type HeaderName = keyof typeof HEADERS;

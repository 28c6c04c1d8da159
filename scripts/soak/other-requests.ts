// Requests of a soak that are no questions: such as an origin refuses, and such as it always answers.

/** One to refuse. */
interface MalformedRequest {
  readonly name: string;
  readonly status: number;
  readonly init: RequestInit;
  path(model: string): string;
}

const infer = (model: string): string => `/v2/models/${model}/infer`;
const JSON_TYPE = { 'content-type': 'application/json' };
const post = (body: string, headers: Record<string, string> = JSON_TYPE): RequestInit => ({ method: 'POST', headers, body });
const text = { name: 'text', datatype: 'BYTES', shape: [1], data: ['a text'] };

/** Requests that have to be refused, with what each gets. */
export const MALFORMED: readonly MalformedRequest[] = [
  { name: 'no JSON', status: 400, init: post('{"inputs": ['), path: infer },
  { name: 'no inputs', status: 400, init: post('{}'), path: infer },
  { name: 'no head', status: 400, init: post(JSON.stringify({ inputs: [text] })), path: infer },
  { name: 'a blank text', status: 400, init: post(JSON.stringify({ inputs: [{ ...text, data: [' '] }] })), path: infer },
  { name: 'another shape', status: 400, init: post(JSON.stringify({ inputs: [{ ...text, shape: [2] }] })), path: infer },
  { name: 'deep JSON', status: 400, init: post(`${'['.repeat(1000)}${']'.repeat(1000)}`), path: infer },
  { name: 'a wrong length of JSON', status: 400, init: post('{}', { ...JSON_TYPE, 'inference-header-content-length': '99' }), path: infer },
  { name: 'no gzip', status: 400, init: post('{}', { ...JSON_TYPE, 'content-encoding': 'gzip' }), path: infer },
  { name: 'a body too large', status: 413, init: post(' '.repeat((8 << 20) + 1)), path: infer },
  { name: 'another type', status: 400, init: post('a=b', { 'content-type': 'application/x-www-form-urlencoded' }), path: infer },
  { name: 'no such model', status: 404, init: post('{}'), path: () => infer('nobody') },
  { name: 'another method', status: 405, init: { method: 'DELETE' }, path: infer },
];

/** Paths that always answer; the one of the repository by POST. */
export const PROBES: readonly ((model: string) => string)[] = [
  () => '/v2',
  () => '/v2/health/live',
  () => '/v2/health/ready',
  () => '/metrics',
  () => '/v2/repository/index',
  (model) => `/v2/models/${model}`,
  (model) => `/v2/models/${model}/ready`,
  (model) => `/v2/models/${model}/config`,
];

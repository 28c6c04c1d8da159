import { expect, test } from 'vitest';
import { Endpoints, EndpointTokens } from '../../src/contract/endpoint.ts';
import { parseJsonWith, parseWith } from '../../src/contract/parse.ts';

const parse = (text: string) => parseJsonWith(Endpoints, text, 'ENDPOINTS', 'config');
const one = (endpoint: object) =>
  parse(JSON.stringify([{ id: 'a', url: 'http://a.test', experts: '*', configs: ['0123456789abcdef'], ...endpoint }]));

test('endpoints are parsed', () => {
  expect(
    parse('[{"id":"a","url":"http://127.0.0.1:8801","experts":["cola"]},{"id":"b","url":"https://b.test","experts":"*"}]'),
  ).toHaveLength(2);
  expect(parse('[]')).toEqual([]);
  expect(one({ engine: 'vllm' })).toMatchObject([{ task: 'generate', prompt: '{text}', max_tokens: 16, adapters: {} }]);
  expect(one({ engine: 'lorax' })).toMatchObject([{ adapter_source: 'local' }]);
});

test.each([
  ['no JSON', '['],
  ['an id twice', '[{"id":"a","url":"http://a.test","experts":"*"},{"id":"a","url":"http://b.test","experts":"*"}]'],
  ['another protocol', '[{"id":"a","url":"file:///etc/passwd","experts":"*"}]'],
  ['a path as id', '[{"id":"../a","url":"http://a.test","experts":"*"}]'],
  ['an unknown field', '[{"id":"a","url":"http://a.test","experts":"*","weight":1}]'],
])('%s is refused', (_, text) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'config' }));
});

test.each([
  ['an unknown engine', { engine: 'tgi' }, /engine/],
  ['another engine without its config', { engine: 'triton', configs: undefined }, /configs/],
  ['another engine with two', { engine: 'triton', configs: ['0123456789abcdef', 'fedcba9876543210'] }, /exactly one config/],
  ['a field of another engine', { engine: 'triton', prompt: '{text}' }, /prompt/],
  ['a prompt without the text', { engine: 'vllm', prompt: 'Label:' }, /\{text\}/],
  ['adapters of llama.cpp without an order', { engine: 'llama_cpp' }, /experts/],
  ['an expert twice', { engine: 'llama_cpp', experts: ['cola', 'cola'] }, /each expert once/],
  ['a task that vLLM has not', { engine: 'vllm', task: 'embed' }, /task/],
])('%s is refused, and it is said why', (_, endpoint, message) => {
  expect(() => one(endpoint)).toThrow(message);
});

test('tokens are headers', () => {
  expect(() => parseWith(EndpointTokens, { a: 'x\r\ny' }, 'ENDPOINT_TOKENS', 'config')).toThrow('visible ASCII');
});

import { expect, test } from 'vitest';
import { Endpoints } from '../../src/contract/endpoint.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';

const parse = (text: string) => parseJsonWith(Endpoints, text, 'ENDPOINTS', 'config');

test('endpoints are parsed', () => {
  expect(
    parse('[{"id":"a","url":"http://127.0.0.1:8801","experts":["cola"]},{"id":"b","url":"https://b.test","experts":"*"}]'),
  ).toHaveLength(2);
  expect(parse('[]')).toEqual([]);
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

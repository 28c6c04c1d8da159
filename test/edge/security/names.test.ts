// Names that objects have of themselves, and names that only look like others.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { Name } from '../../../src/contract/names.ts';
import { ErrorBody } from '../../../src/contract/http.ts';
import { createPaidHarness } from '../accounts/harness.ts';
import { createHarness } from '../helpers/harness.ts';

const OWN = ['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', '__lookupSetter__'];

describe('a name of every object', () => {
  test.each(OWN)('%s is no expert, config, metric or account', async (name) => {
    const { customer, calls } = createPaidHarness({ prices: { experts: { cola: { request: 1 } }, answer: { request: 1 } } });
    const { predict } = await customer();
    for (const body of [
      `{"text": "a", "task": "${name}"}`,
      `{"text": "a", "mix": {"${name}": 1}}`,
      `{"text": "a", "mix": [{"expert": "${name}", "weight": 1}]}`,
      `{"text": "a", "config": "${name}"}`,
      `{"text": "a", "${name}": {"task": "cola"}}`,
      `{"${name}": {"text": "a"}}`,
    ]) {
      const { status } = await predict(body);
      expect({ body, refused: status === 400 || status === 404 }).toEqual({ body, refused: true });
    }
    expect(calls).toEqual([]);
  });

  test('changes no object, wherever it stands in a body', async () => {
    const { post } = createHarness();
    for (const body of [
      '{"text": "a", "__proto__": {"polluted": true}}',
      '{"text": "a", "mix": {"__proto__": {"polluted": true}}}',
      '{"text": "a", "constructor": {"prototype": {"polluted": true}}}',
      '{"inputs": [{"text": "a", "__proto__": {"polluted": true}}]}',
    ])
      await post('/v1/predict', body);
    expect({}).not.toHaveProperty('polluted');
  });

  test('as a price is no price: what is not listed costs what the list says for any', async () => {
    const { customer } = createPaidHarness({ prices: { answer: { request: 3 }, configs: {}, experts: {} } });
    const { predict } = await customer();
    expect((await predict()).headers.get('x-usage-micros')).toBe('3');
  });
});

describe('a name that looks like another', () => {
  test.each([
    ['full width', 'ｃｏｌａ'],
    ['a Cyrillic letter', 'cоla'],
    ['a combining mark', 'cola\u0301'],
    ['a Kelvin sign', '\u212aola'],
    ['a dotless i', 'm\u0131x'],
    ['a zero-width space', 'co\u200bla'],
    ['a trailing newline', 'cola\n'],
    ['a leading space', ' cola'],
    ['a NUL', 'cola\u0000'],
    ['a slash', 'cola/../sst2'],
    ['an encoded slash', 'cola%2fsst2'],
    ['a comma, which separates experts on the wire', 'cola,sst2'],
    ['right to left', '\u202ealoc'],
  ])('%s is refused', async (_, name) => {
    const { post, calls } = createHarness();
    for (const body of [
      { text: 'a', task: name },
      { text: 'a', mix: { [name]: 1 } },
      { text: 'a', mix: [{ expert: name, weight: 1 }] },
    ]) {
      const { status, body: answer } = await post('/v1/predict', body);
      expect(status).toBe(400);
      expect(z.parse(ErrorBody, answer).error.code).toBe('invalid_request');
    }
    expect(calls).toEqual([]);
  });

  test('in other capitals is another expert', async () => {
    const { post } = createHarness();
    expect((await post('/v1/predict', { text: 'a', task: 'COLA' })).status).toBe(404);
  });

  test('property: a name is plain ASCII, the same in every Unicode form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 70 }), (text) => {
        if (!z.safeParse(Name, text).success) return;
        expect(text).toMatch(/^[\x21-\x7e]+$/);
        for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD']) expect(text.normalize(form)).toBe(text);
      }),
      { seed: 5, numRuns: 2_000 },
    );
  });
});

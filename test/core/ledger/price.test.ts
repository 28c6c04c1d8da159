import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { priceBound, priceOf, type PriceList } from '../../../src/core/ledger/price.ts';

const PRICES: PriceList = {
  currency: 'USD',
  answer: { request: 10, per_1000_tokens: 1500 },
  route: 1,
  configs: { dear: { request: 90, per_1000_tokens: 0 } },
  experts: { cola: { request: 5, per_1000_tokens: 0 }, sst2: { request: 0, per_1000_tokens: 2 } },
  max_tokens: 100,
};

describe('a price', () => {
  test.each([
    [{ config: 'any', experts: [], tokens: 0 }, 10],
    [{ config: 'any', experts: [], tokens: 1 }, 12], // 1.5, rounded up
    [{ config: 'any', experts: ['sst2', 'cola', 'free'], tokens: 2 }, 19], // 10 + 5 + ceil(1502 · 2 / 1000): rounded once
    [{ config: 'dear', experts: ['cola'], tokens: 50 }, 95],
    [{ config: 'constructor', experts: ['toString', 'constructor'], tokens: 0 }, 10], // names that every object has
    [{ config: 'any', experts: [], tokens: 5000 }, 160], // no more tokens than models read
  ])('%j costs %i', (answer, micros) => {
    expect(priceOf(PRICES, answer)).toBe(micros);
  });

  test('is never above its bound, whatever answers, as long as a byte is a token at most', () => {
    const rate = fc.record({ request: fc.nat(1e9), per_1000_tokens: fc.nat(1e9) });
    const names = ['a', 'b', 'c'];
    const prices = fc.record({
      currency: fc.constant('USD'),
      answer: rate,
      route: fc.nat(),
      configs: fc.dictionary(fc.constantFrom(...names), rate),
      experts: fc.dictionary(fc.constantFrom(...names), rate),
      max_tokens: fc.integer({ min: 1, max: 1_000_000 }),
    });
    const subset = fc.uniqueArray(fc.constantFrom(...names, 'other'));
    fc.assert(
      fc.property(
        prices,
        subset,
        fc.constantFrom(...names, 'other'),
        fc.nat(2000),
        fc.nat(3),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (list, experts, config, bytes, fewer, named, fixed, gated) => {
          const bound = priceBound(list, {
            configs: fixed ? [config, 'x'] : undefined,
            experts: named ? experts : undefined,
            topK: named ? undefined : experts.length,
            gated: new Map(gated ? [[config, names]] : []),
            bytes,
          });
          const price = priceOf(list, { config, experts: gated ? names : experts.slice(fewer), tokens: bytes });
          expect(Number.isSafeInteger(price)).toBe(true);
          expect(price).toBeLessThanOrEqual(bound);
        },
      ),
      { seed: 3, numRuns: 500 },
    );
  });

  test('of a config with gates is bound by all of its experts, of others by what is asked', () => {
    const gated = new Map([['wemoe', ['cola', 'sst2', 'free']]]);
    const bound = (configs: readonly string[] | undefined, experts: readonly string[] | undefined) =>
      priceBound(PRICES, { configs, experts, topK: 1, gated, bytes: 0 });
    const whole = priceOf(PRICES, { config: 'wemoe', experts: ['cola', 'sst2', 'free'], tokens: 8 });
    expect(bound(['wemoe'], ['free'])).toBe(whole);
    expect(bound(['wemoe'], undefined)).toBe(whole);
    expect(bound(['other'], ['free'])).toBe(10 + 12);
    expect(bound(undefined, ['free'])).toBe(90 + 5 + 13);
  });
});

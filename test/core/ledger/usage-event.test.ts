import { expect, test } from 'vitest';
import type { Entry } from '../../../src/core/ledger/entry.ts';
import { toCloudEvent, toStripeMeterEvent, usageEvent } from '../../../src/core/ledger/usage-event.ts';

const ENTRY: Entry = {
  seq: 7,
  key: 'key',
  idempotency: 'secret name',
  bodyHash: 'hash',
  state: 'settled',
  held: 90,
  charged: 40,
  openedMs: Date.UTC(2026, 10, 24, 8),
  changedMs: 0,
  request: 'r',
  operation: 'predict',
  usage: { answers: 1, tokens: 7, configs: ['c'], experts: ['e'] },
};

test('a settled entry has an event, any other has none', () => {
  expect(usageEvent('acct', ENTRY)).toMatchObject({ id: 'acct.7', micros: 40, tokens: 7 });
  for (const state of ['reserved', 'served', 'unknown', 'released'] as const)
    expect(usageEvent('acct', { ...ENTRY, state })).toBeUndefined();
});

test('the forms of an event carry its id, and nothing that the caller named', () => {
  const event = usageEvent('acct', ENTRY);
  if (event === undefined) throw new Error('expected an event');
  expect(toCloudEvent(event)).toEqual({
    specversion: '1.0',
    type: 'twinroute.usage',
    source: 'twinroute',
    id: 'acct.7',
    time: '2026-11-24T08:00:00.000Z',
    subject: 'acct',
    datacontenttype: 'application/json',
    data: { key: 'key', request: 'r', operation: 'predict', micros: 40, tokens: 7, answers: 1, configs: ['c'], experts: ['e'] },
  });
  expect(toStripeMeterEvent(event, 'answers', 'cus_1')).toEqual({
    event_name: 'answers',
    identifier: 'acct.7',
    timestamp: Date.UTC(2026, 10, 24, 8) / 1000,
    payload: { stripe_customer_id: 'cus_1', value: '40' },
  });
});

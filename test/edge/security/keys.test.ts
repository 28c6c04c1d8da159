// Finding keys and accounts by asking: every wrong key takes the same steps and gets the same answer. How long the steps take is measured on a quiet
// machine by scripts/bench/key-timing.bench.ts.

import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Accounts } from '../../../src/edge/accounts/port.ts';
import { equalText } from '../../../src/core/keys/equal-text.ts';
import { createPaidHarness } from '../accounts/harness.ts';

let steps: string[] = [];

/** Notes every call to an account and what it answered. */
function watched(accounts: Accounts): Accounts {
  return {
    ...accounts,
    calls(id) {
      const real = accounts.calls(id);
      return {
        ...real,
        async authenticate(proof) {
          const tenant = await accounts.calls(id).authenticate(proof);
          steps.push(`authenticate ${proof.sha256.length} ${tenant === undefined ? 'nobody' : 'somebody'}`);
          return tenant;
        },
        open(...args) {
          steps.push('open');
          return accounts.calls(id).open(...args);
        },
      };
    },
  };
}

describe('a wrong key', () => {
  beforeEach(() => void (steps = []));

  test('takes the same steps to the same answer, whatever is wrong with it', async () => {
    const { admin, customer, post, calls } = createPaidHarness({ sabotage: watched });
    const { id, key, keyId } = await customer();
    const secret = key.slice(-52);
    const issue = async (change: object) => (await admin('POST', `accounts/${id}/keys`, { name: 'k', ...change })).body;
    const gone = await issue({});
    await admin('DELETE', `accounts/${id}/keys/${gone.id}`);
    const rotated = await issue({});
    await admin('POST', `accounts/${id}/keys/${rotated.id}/rotate`, { overlap_seconds: 0 });
    const wrong = {
      'of no account': `tr_${'7'.repeat(20)}_${secret}`,
      'of no key': `tr_${id}77777777_${secret}`,
      'with the first letter wrong': key.replace(secret, `${secret[0] === '0' ? '1' : '0'}${secret.slice(1)}`),
      'with the last letter wrong': `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`,
      'of another key of the account': `tr_${keyId}_${gone.key.slice(-52)}`,
      revoked: gone.key,
      expired: (await issue({ expires_ms: 1 })).key,
      'rotated away': rotated.key,
    };
    const answers = new Set<string>();
    for (const sent of Object.values(wrong)) {
      steps = [];
      const { status, headers, body } = await post(
        '/v1/predict',
        { text: 'a' },
        { authorization: `Bearer ${sent}`, 'x-request-id': 'same' },
      );
      const { 'server-timing': _timing, traceresponse: _trace, ...rest } = Object.fromEntries(headers);
      answers.add(JSON.stringify([status, rest, body, steps]));
    }
    expect([...answers]).toHaveLength(1);
    expect([...answers][0]).toContain('authenticate 64 nobody');
    expect(calls).toEqual([]);
  });

  test('is never remembered as a good one, nor a good one under another’s name', async () => {
    const { customer, post } = createPaidHarness({ sabotage: watched });
    const { key, predict } = await customer();
    await predict();
    steps = [];
    for (let i = 0; i < 3; i++)
      expect((await post('/v1/predict', { text: 'a' }, { authorization: `Bearer ${key.slice(0, -1)}!` })).status).toBe(401);
    const near = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`;
    for (let i = 0; i < 3; i++) expect((await post('/v1/predict', { text: 'a' }, { authorization: `Bearer ${near}` })).status).toBe(401);
    expect(steps).toEqual(Array.from({ length: 3 }, () => 'authenticate 64 nobody'));
  });
});

test('secrets are compared to their end, wherever they differ', () => {
  const good = 'a'.repeat(64);
  for (const sent of [good, `b${'a'.repeat(63)}`, `${'a'.repeat(63)}b`, 'b'.repeat(64)]) {
    const looked = vi.spyOn(String.prototype, 'charCodeAt');
    const equal = equalText(sent, good);
    const count = looked.mock.calls.length;
    looked.mockRestore();
    expect({ equal, count }).toEqual({ equal: sent === good, count: 128 });
  }
});

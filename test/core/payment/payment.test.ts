import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { movePayment, paymentDueMs, reservedPayment, type Payment, type PaymentCommand } from '../../../src/core/payment/payment.ts';
import { chargedMicros, toAtomic } from '../../../src/core/payment/scheme.ts';

const command = (): fc.Arbitrary<PaymentCommand> =>
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('reserve' as const, 'ask' as const, 'ask' as const, 'confirm' as const, 'refuse' as const, 'stale' as const),
    }),
    fc.record({ kind: fc.constantFrom('serve' as const, 'release' as const), turn: fc.integer({ min: 1, max: 3 }) }),
  );

test('whatever happens in whatever order: paid and refused are for good, only what was asked for once can be refused, turns never go back', () => {
  fc.assert(
    fc.property(fc.array(command(), { maxLength: 40 }), (commands) => {
      let payment: Payment = reservedPayment(0);
      let asked = 0;
      for (const [i, given] of commands.entries()) {
        const next = movePayment(payment, given, i);
        if (given.kind === 'ask' && next !== undefined) asked += 1;
        if (next === undefined) continue;
        // An answer was kept before anybody asked for money, and by whoever holds the payment.
        if (next.state === 'served') expect([payment.state, given]).toEqual(['reserved', { kind: 'serve', turn: payment.turn }]);
        if (next.state === 'settled') expect([payment.state, given.kind]).toEqual(['unknown', 'confirm']);
        if (next.state === 'refused') expect(payment.attempts).toBe(1);
        // What may have been paid is never free to be used again.
        if (next.state === 'released') expect(payment.attempts).toBe(0);
        if (payment.state === 'settled' || payment.state === 'refused') expect(next).toBe(payment);
        expect(next.turn).toBeGreaterThanOrEqual(payment.turn);
        payment = next;
      }
      expect(payment.attempts).toBeLessThanOrEqual(asked);
    }),
  );
});

test('a refusal after a call without an answer is not believed', () => {
  const times = { leaseMs: 100, settleMs: 10, retryMs: 2 };
  const asked = [{ kind: 'serve', turn: 1 } as const, { kind: 'ask' } as const, { kind: 'ask' } as const].reduce<Payment>(
    (payment, given) => movePayment(payment, given, 5) ?? payment,
    reservedPayment(0),
  );
  expect(movePayment(asked, { kind: 'refuse' }, 6)).toBe(asked);
  expect(movePayment(asked, { kind: 'confirm' }, 6)).toMatchObject({ state: 'settled' });
  // The second call is over at 15, the third comes twice as long after it as the second did.
  expect(paymentDueMs(asked, times, 1e6)).toBe(5 + 10 + 4);
  expect(paymentDueMs({ ...asked, attempts: 100 }, times, 1e6)).toBe(5 + 10 + 300_000);
  expect(paymentDueMs({ ...asked, changedMs: 4e6 + 1 }, times, 4e5)).toBe(Infinity);
  expect(paymentDueMs(reservedPayment(7), times, 0)).toBe(107);
});

test('exact takes what was signed, upto what was used of it', () => {
  expect([
    chargedMicros('exact', 10, 3),
    chargedMicros('upto', 10, 3),
    chargedMicros('upto', 10, 0),
    chargedMicros('upto', 10, 30),
  ]).toEqual([10, 3, 0, 10]);
});

test('amounts are exact, rounded up, and never less than one for what costs something', () => {
  expect(toAtomic(1234, '1000000')).toBe('1234');
  expect(toAtomic(1234, '1000000000000000000')).toBe('1234000000000000');
  expect(toAtomic(1, '100')).toBe('1');
  expect(toAtomic(0, '100')).toBe('0');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e15 }), fc.bigInt({ min: 1n, max: 10n ** 30n }), (micros, perUnit) => {
      const amount = BigInt(toAtomic(micros, String(perUnit)));
      const exact = BigInt(micros) * perUnit;
      expect(amount * 1_000_000n >= exact && (amount - 1n) * 1_000_000n < exact).toBe(true);
    }),
  );
});

// From a payment that comes with the request: verify, take it for this request, work, settle; the answer leaves once it is paid.
//
// A call to settle without a clear answer is neither paid nor unpaid. The caller gets 503 and may repeat the request with the same payment: the
// payer's object goes on asking, and once it knows, the kept answer leaves. Nobody is told to pay again for what may be paid.

import type { Context } from 'hono';
import type { Upstream } from '../../contract/upstream.ts';
import type { PaymentRequirements } from '../../contract/x402.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { chargedMicros } from '../../core/payment/scheme.ts';
import { respond, type Bill, type Charge, type ChargedWork } from '../accounts/charged.ts';
import { unauthorized } from '../accounts/refusal.ts';
import { ledgerStep } from '../observe/ledger-step.ts';
import { sha256Hex } from '../sha256.ts';
import type { EdgeTypes } from '../types.ts';
import { whyNot } from './authorization.ts';
import { patientCalls } from './patient-calls.ts';
import type { PayerCalls, PaymentProof, Payments, PaymentStanding } from './port.ts';
import { PAYMENT_HEADER, type SentPayment } from './read-payment.ts';
import { paidAnswer, type Ask } from './paid-answer.ts';
import { setPaymentRequired } from './headers.ts';
import { amountOf, chosenTerms, IDENTIFIER, termsFor } from './terms.ts';

/** How much longer than its deadline a request may take before its payment is free again, in milliseconds. */
const SLACK_MS = 5_000;

/** What charging payments needs. */
export interface ChargePaymentDeps {
  readonly payments: Payments;
  /** Whether requests could come with a key: then none is free without one. */
  readonly keys: boolean;
  /** Milliseconds. */
  readonly now: () => number;
  /** Keeps work running after the request that began it. */
  readonly keepAlive: (work: Promise<unknown>) => void;
  readonly upstream: Pick<Upstream, 'request_ms'>;
  readonly report: (thrown: unknown, requestId: string) => TwinrouteError;
}

/**
 * Charges the payment that a request came with, and asks for one where there is none.
 * @param sent undefined where it came with none
 */
export function chargePayment({ payments, ...rest }: ChargePaymentDeps, sent: SentPayment | undefined): Charge {
  // A copy: other prices may be published before the answer is there.
  const deps: ChargePaymentDeps = { ...rest, payments: { ...payments } };
  const { config, prices, calls } = deps.payments;
  const { currency } = prices;
  return async (c, job) => {
    const bound = await job.bound(prices);
    if (bound === 0 && deps.keys) throw unauthorized();
    if (bound === 0) return respond(c, job, JSON.stringify(await job.work()));
    const terms = termsFor(config, bound);
    const ask: Ask = (reason) => {
      setPaymentRequired(c, config, terms, reason);
      return new TwinrouteError('payment_required', `payment: expected ${bound} micro-units of ${currency} by x402, got ${reason}`, {
        details: { needed_micros: bound, currency, x402_version: 2, reason },
      });
    };
    if (sent === undefined) throw ask('no payment');
    const payer = patientCalls(() => calls(sent.payer.account), config);
    const proof = await proofOf(sent, job);
    const requirements = chosenTerms(terms, sent.payment);
    const fault = requirements === undefined ? 'other terms than those offered' : whyNot(sent.authorization, requirements, deps.now());
    if (requirements === undefined || fault !== undefined) {
      // What was answered once needs no terms that still hold, and no signature that is still good.
      const found = await payer.find(proof);
      if (found.kind === 'new') throw ask(fault ?? '');
      return respond(c, job, paidAnswer(c, found, { currency, ask, replayed: true }));
    }
    if (config.identifier_required && sent.identifier === undefined) throw noIdentifier();
    const request = {
      ...proof,
      payer: sent.payer,
      payment: sent.payment,
      requirements,
      leaseMs: deps.upstream.request_ms + SLACK_MS,
      untilMs: Number(sent.authorization.until) * 1000,
      request: c.get('requestId'),
      operation: job.operation,
    };
    const taken = await ledgerStep(
      c.get('trip'),
      'payment_reserve',
      () => payer.reserve(request),
      ({ kind }) => ({ outcome: kind, micros: kind === 'taken' ? bound : 0 }),
    );
    if (taken.kind !== 'taken') return respond(c, job, paidAnswer(c, taken, { currency, ask, replayed: true }));
    const served = serve(deps, c, job, { sent, requirements, bound, turn: taken.turn, payer, ask });
    // Who hangs up after paying finds the answer when coming back.
    deps.keepAlive(served.catch(() => undefined));
    return respond(c, job, await served);
  };
}

/** A payment that was taken for a request. */
interface Taken {
  readonly sent: SentPayment;
  readonly requirements: PaymentRequirements;
  /** The most that the request may cost, in micro-units. */
  readonly bound: number;
  readonly turn: number;
  readonly payer: PayerCalls;
  readonly ask: Ask;
}

/** Works and settles, or gives the payment back. */
async function serve<T extends object>(
  { payments, report }: ChargePaymentDeps,
  c: Context<EdgeTypes>,
  job: ChargedWork<T>,
  { sent, requirements, bound, turn, payer, ask }: Taken,
): Promise<string> {
  const { config, prices } = payments;
  const { nonce } = sent.authorization;
  const trip = c.get('trip');
  // Should this fail, the reservation ends by itself.
  const giveBack = (): Promise<unknown> =>
    ledgerStep(
      trip,
      'payment_release',
      () => payer.release(nonce, turn),
      () => ({ outcome: 'released', micros: bound }),
    ).catch((thrown: unknown) => report(thrown, c.get('requestId')));
  let answer: T;
  let bill: Bill;
  try {
    answer = await job.work();
    bill = job.bill(answer, prices);
  } catch (thrown) {
    await giveBack();
    throw thrown;
  }
  const { micros: used, usage } = bill;
  if (usage.answers === 0) {
    await giveBack();
    return JSON.stringify(answer);
  }
  const micros = chargedMicros(sent.scheme, bound, used);
  const served = { turn, micros, amount: amountOf(config, requirements, micros), usage, answer: JSON.stringify(answer) };
  const standing = await ledgerStep(
    trip,
    'payment_settle',
    () => payer.settle(nonce, served),
    ({ kind }) => ({ outcome: kind, micros: kind === 'settled' ? micros : 0 }),
  );
  // An answer that is too long to be kept leaves once, now.
  const settled: PaymentStanding = standing.kind === 'settled' ? { ...standing, answer: standing.answer ?? served.answer } : standing;
  return paidAnswer(c, settled, { currency: prices.currency, ask, replayed: false });
}

async function proofOf(sent: SentPayment, { operation, body }: Pick<ChargedWork<unknown>, 'operation' | 'body'>): Promise<PaymentProof> {
  return {
    nonce: sent.authorization.nonce,
    payloadHash: await sha256Hex(canonicalJson(sent.payment)),
    requestHash: await sha256Hex(`${operation} ${canonicalJson(body)}`),
    identifier: sent.identifier,
  };
}

function noIdentifier(): TwinrouteError {
  return new TwinrouteError('invalid_request', `${PAYMENT_HEADER}: expected the extension ${IDENTIFIER} with an id, got none`, {
    param: PAYMENT_HEADER,
  });
}

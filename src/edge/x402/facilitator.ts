// The facilitator: checks payments and brings them to the chain. It is asked, and not trusted to answer.

import type * as z from 'zod/mini';
import { parseJsonWith } from '../../contract/parse.ts';
import { readBounded } from '../../contract/read-bounded.ts';
import { SettleAnswer, VerifyAnswer, type PaymentPayload, type PaymentRequirements, type X402 } from '../../contract/x402.ts';
import { TwinrouteError } from '../../core/errors.ts';

const ANSWER_BYTES = 65_536;

/** What a facilitator is asked about. */
export interface FacilitatorRequest {
  readonly payment: PaymentPayload;
  /** The edge's own terms, never the caller's copy of them. To settle, `amount` is what is to be paid. */
  readonly requirements: PaymentRequirements;
}

/** What became of a call to settle. `unclear`: it may or may not have taken effect. */
export type Settlement =
  | { readonly kind: 'paid'; readonly answer: SettleAnswer }
  | { readonly kind: 'refused'; readonly answer: SettleAnswer }
  | { readonly kind: 'unclear'; readonly cause: unknown };

/** What came of a call to verify. `failed`: nobody knows, and nothing happened. */
export type Verification =
  | { readonly kind: 'good' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly code: 'unavailable' | 'upstream'; readonly message: string; readonly cause: unknown };

/** Calls to a facilitator. */
export interface Facilitator {
  /** Whether the payment is good. Never throws. */
  verify(request: FacilitatorRequest & { readonly payer: string }): Promise<Verification>;
  /**
   * Asks for the payment to be made. Never throws.
   * @param again whether it was asked before, and the answer was not clear
   */
  settle(request: FacilitatorRequest, again: boolean): Promise<Settlement>;
}

/**
 * Refusals that are about the payment itself, given before anything was sent to the chain. Others, `transaction_failed` among them, are also given when
 * a facilitator lost sight of a transfer that it had sent.
 */
const FINAL = /^(?!invalid_transaction)(invalid|insufficient|permit2_allowance)_/;

/** The facilitator that a deployment names. */
export function createFacilitator(config: X402, token: string | undefined, fetcher: typeof fetch): Facilitator {
  const ask = async <T extends z.core.$ZodType>(path: string, request: FacilitatorRequest, ms: number, schema: T) => {
    const response = await fetcher(`${config.facilitator.replace(/\/+$/, '')}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ x402Version: 2, paymentPayload: request.payment, paymentRequirements: request.requirements }),
      redirect: 'manual',
      signal: AbortSignal.timeout(ms),
    });
    const bytes = await readBounded(response, ANSWER_BYTES, () => misbehaves(`at most ${ANSWER_BYTES} bytes, got more`));
    // Some refuse with 200, some with 400: what counts is the body.
    return parseJsonWith(schema, new TextDecoder().decode(bytes), `facilitator: ${path}, status ${response.status}`, 'upstream');
  };
  return {
    async verify(request) {
      try {
        const { isValid, invalidReason, payer } = await ask('verify', request, config.verify_ms, VerifyAnswer);
        if (!isValid) return { kind: 'refused', reason: shortReason(invalidReason) };
        if (!sameText(payer, request.payer)) throw misbehaves('the payer who signed, got another');
        return { kind: 'good' };
      } catch (cause) {
        if (cause instanceof TwinrouteError) return { kind: 'failed', code: 'upstream', message: cause.message, cause };
        return { kind: 'failed', code: 'unavailable', message: 'facilitator: expected an answer, got none', cause };
      }
    },
    async settle(request, again) {
      try {
        const answer = await ask('settle', request, config.settle_ms, SettleAnswer);
        const known = again && !answer.success && config.settled_reasons.includes(answer.errorReason ?? '');
        return known ? { kind: 'paid', answer: { ...answer, success: true } } : settlementOf(answer, request.requirements);
      } catch (cause) {
        return { kind: 'unclear', cause };
      }
    },
  };
}

/** A reason as it may be told: facilitators put whole stacks there. */
export function shortReason(reason: string | null | undefined): string {
  return /^[\w-]{1,100}/.exec(reason ?? '')?.[0] ?? 'no reason';
}

function settlementOf(answer: SettleAnswer, { network, amount }: PaymentRequirements): Settlement {
  if (answer.network !== network) return { kind: 'unclear', cause: misbehaves(`network ${network}, got another`) };
  if (answer.success && (answer.transaction !== '' || amount === '0')) return { kind: 'paid', answer };
  if (answer.success) return { kind: 'unclear', cause: misbehaves('a transaction with a success, got none') };
  if (answer.transaction === '' && FINAL.test(answer.errorReason ?? '')) return { kind: 'refused', answer };
  return { kind: 'unclear', cause: misbehaves(`a clear answer, got ${shortReason(answer.errorReason)}`) };
}

function sameText(got: string | null | undefined, expected: string): boolean {
  return got === undefined || got === null || got.toLowerCase() === expected;
}

function misbehaves(what: string): TwinrouteError {
  return new TwinrouteError('upstream', `facilitator: expected ${what}`);
}

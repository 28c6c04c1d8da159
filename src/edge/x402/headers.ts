// Headers of answers to requests that are paid for by x402.

import type { Context } from 'hono';
import type { PaymentRequirements, SettleAnswer, X402 } from '../../contract/x402.ts';
import type { EdgeTypes } from '../types.ts';
import { toBase64Json } from './base64-json.ts';
import { shortReason } from './facilitator.ts';
import { paymentRequired } from './terms.ts';

/** Sets what may be paid. */
export function setPaymentRequired(c: Context<EdgeTypes>, config: X402, terms: readonly PaymentRequirements[], reason: string): void {
  c.header('payment-required', toBase64Json(paymentRequired(config, terms, c.req.url, reason)));
}

/** Sets what became of the payment. */
export function setPaymentResponse(c: Context<EdgeTypes>, { errorReason, ...receipt }: SettleAnswer): void {
  c.header('payment-response', toBase64Json({ ...receipt, ...(!receipt.success && { errorReason: shortReason(errorReason) }) }));
}

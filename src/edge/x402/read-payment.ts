// The header PAYMENT-SIGNATURE, as far as it can be read without asking anybody.

import { parseWith } from '../../contract/parse.ts';
import { PaymentPayload } from '../../contract/x402.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { PAYMENT_SCHEMES, type PaymentScheme } from '../../core/payment/scheme.ts';
import { payerId } from '../../core/payment/payer-id.ts';
import { readAuthorization, type Authorization } from './authorization.ts';
import { fromBase64Json } from './base64-json.ts';
import type { PayerIdentity } from './port.ts';
import { IDENTIFIER } from './terms.ts';

/** Header that a payment comes in. */
export const PAYMENT_HEADER = 'payment-signature';

/** A payment that a request came with. Nothing of it is proven yet. */
export interface SentPayment {
  readonly payment: PaymentPayload;
  readonly scheme: PaymentScheme;
  readonly authorization: Authorization;
  readonly payer: PayerIdentity;
  /** The caller's own name for it. */
  readonly identifier: string | undefined;
}

/**
 * The payment; undefined where there is none.
 * @throws {TwinrouteError} `invalid_request` for a header that is malformed, too long, or of a scheme or network that is not known here
 */
export function readPayment(headers: Headers): SentPayment | undefined {
  const text = headers.get(PAYMENT_HEADER);
  if (text === null) return undefined;
  const payment = parseWith(PaymentPayload, fromBase64Json(text), PAYMENT_HEADER, 'invalid_request');
  const { scheme, network } = payment.accepted;
  const known = PAYMENT_SCHEMES.find((name) => name === scheme);
  const chain = /^eip155:([1-9]\d{0,17})$/.exec(network)?.[1];
  if (known === undefined || chain === undefined)
    throw new TwinrouteError('invalid_request', `${PAYMENT_HEADER}: expected a scheme and a network that were offered, got others`, {
      param: PAYMENT_HEADER,
    });
  const authorization = readAuthorization(known, payment);
  return {
    payment,
    scheme: known,
    authorization,
    payer: { account: payerId(chain, authorization.from), network, address: authorization.from },
    identifier: payment.extensions?.[IDENTIFIER]?.info.id,
  };
}

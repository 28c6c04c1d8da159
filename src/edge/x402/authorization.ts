// What a payer has signed, whatever the form. The facilitator checks signatures, balances and all of this again; here it names the payment, so
// that one signature can pay once, and what is plainly wrong costs no call.

import { parseWith } from '../../contract/parse.ts';
import { PermitAuthorization, TransferAuthorization, type PaymentPayload, type PaymentRequirements } from '../../contract/x402.ts';
import type { PaymentScheme } from '../../core/payment/scheme.ts';

/** How long a signature has to be good still: work comes before settling. */
const SPARE_SECONDS = 6n;

/** A signed promise to pay. Addresses are in lower case. */
export interface Authorization {
  readonly from: string;
  readonly to: string;
  /** The token's contract; undefined where only the signature tells. */
  readonly asset: string | undefined;
  readonly amount: bigint;
  /** Names it among all that the payer signs on a network: of two with the same name the chain takes one. */
  readonly nonce: string;
  /** From when until when it is good, in seconds since 1970. */
  readonly after: bigint;
  readonly until: bigint;
}

const READERS: Readonly<Record<PaymentScheme, (payment: PaymentPayload) => Authorization>> = {
  exact({ payload, accepted }) {
    const { authorization } = parseWith(TransferAuthorization, payload, 'payment-signature: payload', 'invalid_request');
    const { from, to, value, nonce, validAfter, validBefore } = authorization;
    return {
      from: from.toLowerCase(),
      to: to.toLowerCase(),
      asset: undefined,
      amount: BigInt(value),
      // Each token keeps its own nonces.
      nonce: `eip3009 ${accepted.asset.toLowerCase()} ${nonce.toLowerCase()}`,
      after: BigInt(validAfter),
      until: BigInt(validBefore),
    };
  },
  upto({ payload }) {
    const { permit2Authorization } = parseWith(PermitAuthorization, payload, 'payment-signature: payload', 'invalid_request');
    const { from, permitted, nonce, deadline, witness } = permit2Authorization;
    return {
      from: from.toLowerCase(),
      to: witness.to.toLowerCase(),
      asset: permitted.token.toLowerCase(),
      amount: BigInt(permitted.amount),
      // One contract keeps the nonces of all tokens.
      nonce: `permit2 ${BigInt(nonce)}`,
      after: BigInt(witness.validAfter),
      until: BigInt(deadline),
    };
  },
};

/**
 * What was signed.
 * @throws {TwinrouteError} `invalid_request` for a payload that does not fit the scheme
 */
export function readAuthorization(scheme: PaymentScheme, payment: PaymentPayload): Authorization {
  return READERS[scheme](payment);
}

/** Why what was signed does not pay for this, or undefined. */
export function whyNot(signed: Authorization, wanted: PaymentRequirements, nowMs: number): string | undefined {
  const nowSeconds = BigInt(Math.floor(nowMs / 1000));
  if (signed.to !== wanted.payTo.toLowerCase()) return 'another recipient';
  if (signed.asset !== undefined && signed.asset !== wanted.asset.toLowerCase()) return 'another asset';
  if (signed.amount !== BigInt(wanted.amount)) return 'another amount';
  if (signed.after > nowSeconds) return 'a signature that is not good yet';
  if (signed.until <= nowSeconds + SPARE_SECONDS) return 'a signature that has expired, or nearly';
  return undefined;
}

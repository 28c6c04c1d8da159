// How the rest of the edge speaks to payers: Durable Objects in a deployment.

import type { PaymentPayload, PaymentRequirements, SettleAnswer, X402 } from '../../contract/x402.ts';
import type { EntryUsage } from '../../core/ledger/entry.ts';
import type { PriceList } from '../../core/ledger/price.ts';

/** What tells a payment from all others, and what it came with. */
export interface PaymentProof {
  /** The signature's name among all of the payer's (`Authorization.nonce`). */
  readonly nonce: string;
  /** Hash of everything that the header said. */
  readonly payloadHash: string;
  /** Hash of what was asked. */
  readonly requestHash: string;
  /** The caller's own name for the payment. */
  readonly identifier: string | undefined;
}

/** A payment that looks good, and what for. */
export interface Reservation extends PaymentProof {
  readonly payer: PayerIdentity;
  readonly payment: PaymentPayload;
  /** Met by the payment; its amount is the most that the request may cost. */
  readonly requirements: PaymentRequirements;
  /** How long the request may take, in milliseconds: after that the payment is free again. */
  readonly leaseMs: number;
  /** End of the signature, in milliseconds since 1970. */
  readonly untilMs: number;
  readonly request: string;
  readonly operation: string;
}

/** Who pays. */
export interface PayerIdentity {
  /** The payer's id as a tenant, and as an account where there are accounts. */
  readonly account: string;
  readonly network: string;
  readonly address: string;
}

/** An answer that waits for its payment. */
export interface ServedAnswer {
  readonly turn: number;
  /** What is to be paid, in micro-units and in the asset's smallest units. */
  readonly micros: number;
  readonly amount: string;
  readonly usage: EntryUsage;
  readonly answer: string;
}

/** Where a payment stands. */
export type PaymentStanding =
  /** Nobody used it, or what it was used for failed. */
  | { readonly kind: 'new' }
  /** It, or its identifier, was used for something else. */
  | { readonly kind: 'conflict' }
  /** The same request is under way. */
  | { readonly kind: 'reserved' }
  /** Answered; whether it was paid is not known yet. */
  | { readonly kind: 'unknown'; readonly retryMs: number }
  | {
      readonly kind: 'settled';
      readonly receipt: SettleAnswer;
      readonly micros: number;
      readonly tokens: number;
      /** Undefined once it is no longer kept. */
      readonly answer: string | undefined;
    }
  /** It is not good, or was refused when it was to be settled: it was not paid, and never will be. */
  | { readonly kind: 'refused'; readonly reason: string; readonly receipt?: SettleAnswer }
  /** The facilitator could not be asked whether it is good. */
  | { readonly kind: 'failed'; readonly code: 'unavailable' | 'upstream'; readonly message: string };

/** What a request needs of its payer. Any call may fail, or fail to return after it has taken effect. */
export interface PayerCalls {
  /** Where the payment stands; asks the facilitator once more where that is not known. */
  find(proof: PaymentProof): Promise<PaymentStanding>;
  /** Has the payment verified and takes it for a request, unless it is known already; `turn` is the holder's. */
  reserve(reservation: Reservation): Promise<{ readonly kind: 'taken'; readonly turn: number } | PaymentStanding>;
  /** Keeps the answer and has it paid. */
  settle(nonce: string, served: ServedAnswer): Promise<PaymentStanding>;
  /** Gives the payment back unused. */
  release(nonce: string, turn: number): Promise<void>;
}

/** Payment by request, as a deployment has it. */
export interface Payments {
  readonly config: X402;
  readonly prices: PriceList;
  /** Calls to a payer, each by a fresh stub: one that failed once fails for good. */
  readonly calls: (account: string) => PayerCalls;
}

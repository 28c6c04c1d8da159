// Payment by request, x402 version 2: the variable X402, and what goes between caller, edge and facilitator.
// Source: https://github.com/x402-foundation/x402, specs/x402-specification-v2.md, specs/transports-v2/http.md, specs/extensions/payment_identifier.md

import * as z from 'zod/mini';
import { PAYMENT_SCHEMES } from '../core/payment/scheme.ts';
import { Count } from './names.ts';

const Address = z.string().check(z.regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address: 0x and 40 hex digits'));
/** An EVM chain by its CAIP-2 name. */
const Network = z.string().check(z.regex(/^eip155:[1-9]\d{0,17}$/, 'expected an EVM network such as eip155:8453'));
/** A whole number below 2^256 or so, in decimal. */
const Uint = z.string().check(z.regex(/^\d{1,78}$/, 'expected a whole number in decimal'));
const Milliseconds = z.int().check(z.minimum(1), z.maximum(600_000));
const Label = z.string().check(z.minLength(1), z.maxLength(100));
const Scheme = z.enum(PAYMENT_SCHEMES);

/** The variable X402. */
export const X402 = z
  .strictObject({
    /** Base URL of the facilitator: `/verify` and `/settle` below it. */
    facilitator: z.url().check(z.maxLength(500)),
    /** Who is paid. */
    pay_to: Address,
    schemes: z._default(z.array(Scheme).check(z.minLength(1), z.maxLength(PAYMENT_SCHEMES.length)), ['exact']),
    /** What can be paid with, preferred ones first. */
    assets: z
      .array(
        z.strictObject({
          network: Network,
          /** The token's contract. */
          address: Address,
          /** The token's EIP-712 domain. */
          name: Label,
          version: Label,
          /** Its smallest units that make one unit of the price list's currency: 1000000 for a dollar coin of six decimals and prices in USD. */
          atomic_per_unit: Uint.check(z.refine((text) => BigInt(text) > 0n, 'expected more than 0')),
          /** The facilitator's own address there, which `upto` signatures name. */
          facilitator_address: z.optional(Address),
        }),
      )
      .check(z.minLength(1), z.maxLength(8)),
    /** How long a signature is to be good. */
    max_timeout_seconds: z._default(z.int().check(z.minimum(10), z.maximum(86_400)), 120),
    /** Longest call to the facilitator. */
    verify_ms: z._default(Milliseconds, 5_000),
    settle_ms: z._default(Milliseconds, 20_000),
    /** Time until a call to settle that got no clear answer is repeated; it doubles up to five minutes. */
    retry_ms: z._default(Milliseconds, 2_000),
    /** Refuses payments without the extension `payment-identifier`. */
    identifier_required: z._default(z.boolean(), false),
    /**
     * Reasons by which the facilitator refuses what it has settled before. After a call without a clear answer they count as payment; none does
     * unless the facilitator is known to mean it so.
     */
    settled_reasons: z._default(z.array(Label).check(z.maxLength(20)), []),
  })
  .check(
    z.refine(
      ({ schemes, assets }) => !schemes.includes('upto') || assets.every((asset) => asset.facilitator_address !== undefined),
      'expected a facilitator_address of every asset where schemes has upto',
    ),
  );
export type X402 = z.infer<typeof X402>;

/** What one payment has to be. */
export const PaymentRequirements = z.strictObject({
  scheme: Scheme,
  network: Network,
  /** In the asset's smallest units. */
  amount: Uint,
  asset: Address,
  payTo: Address,
  maxTimeoutSeconds: Count,
  extra: z.record(z.string(), z.string()),
});
export type PaymentRequirements = z.infer<typeof PaymentRequirements>;

/** The header PAYMENT-REQUIRED, decoded. */
export interface PaymentRequired {
  readonly x402Version: 2;
  readonly error: string;
  readonly resource: { readonly url: string; readonly mimeType: string };
  readonly accepts: readonly PaymentRequirements[];
  readonly extensions: Readonly<Record<string, object>>;
}

/** The header PAYMENT-SIGNATURE, decoded. Fields beyond these go to the facilitator as they came. */
export const PaymentPayload = z.looseObject({
  x402Version: z.literal(2),
  /** The requirements that the caller chose. */
  accepted: z.looseObject({
    scheme: z.string(),
    network: z.string(),
    amount: z.string(),
    asset: z.string(),
    payTo: z.string(),
  }),
  payload: z.record(z.string(), z.unknown()),
  extensions: z.optional(
    z.looseObject({
      'payment-identifier': z.optional(
        z.looseObject({
          info: z.looseObject({
            id: z.optional(z.string().check(z.regex(/^[\w-]{16,128}$/, 'expected 16 to 128 letters, digits, - or _'))),
          }),
        }),
      ),
    }),
  ),
});
export type PaymentPayload = z.infer<typeof PaymentPayload>;

/** EIP-3009: a transfer that anybody may bring to the token. `payload` of `exact`. */
export const TransferAuthorization = z.object({
  signature: z.string(),
  authorization: z.object({
    from: Address,
    to: Address,
    value: Uint,
    validAfter: Uint,
    validBefore: Uint,
    nonce: z.string().check(z.regex(/^0x[0-9a-fA-F]{64}$/, 'expected 32 bytes in hex')),
  }),
});

/** Permit2: a transfer of at most an amount. `payload` of `upto`. */
export const PermitAuthorization = z.object({
  signature: z.string(),
  permit2Authorization: z.object({
    from: Address,
    permitted: z.object({ token: Address, amount: Uint }),
    spender: Address,
    nonce: z.string().check(z.regex(/^(0x[0-9a-fA-F]{1,64}|\d{1,78})$/, 'expected a whole number')),
    deadline: Uint,
    witness: z.object({ to: Address, facilitator: Address, validAfter: Uint }),
  }),
});

/** What a facilitator says of a payment before it is settled. */
export const VerifyAnswer = z.object({
  isValid: z.boolean(),
  invalidReason: z.optional(z.nullable(z.string())),
  payer: z.optional(z.nullable(z.string())),
});

/** What it says of settling; the header PAYMENT-RESPONSE, decoded. */
export const SettleAnswer = z.object({
  success: z.boolean(),
  errorReason: z.optional(z.nullable(z.string())),
  payer: z.optional(z.nullable(z.string())),
  /** The transfer on the chain; '' where there is none. */
  transaction: z.string(),
  network: z.string(),
  amount: z.optional(z.nullable(z.string())),
});
export type SettleAnswer = z.infer<typeof SettleAnswer>;

/** How requests without a key are paid for, in `GET /v1/prices`. */
export const PaymentTerms = z.strictObject({
  x402_version: z.literal(2),
  schemes: z.array(Scheme),
  pay_to: Address,
  assets: z.array(z.strictObject({ network: Network, address: Address, name: z.string(), atomic_per_unit: Uint })),
  identifier_required: z.boolean(),
});
export type PaymentTerms = z.infer<typeof PaymentTerms>;

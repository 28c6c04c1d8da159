// What the edge asks for a request of a price, and which of its terms a payment meets.

import type { PaymentPayload, PaymentRequired, PaymentRequirements, PaymentTerms, X402 } from '../../contract/x402.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { toAtomic } from '../../core/payment/scheme.ts';

/** The extension by which callers name their payments. */
export const IDENTIFIER = 'payment-identifier';

/** What may be paid for `micros` micro-units: each asset in each scheme. */
export function termsFor(config: X402, micros: number): readonly PaymentRequirements[] {
  return config.assets.flatMap(({ network, address, name, version, atomic_per_unit: atomicPerUnit, facilitator_address: facilitator }) =>
    config.schemes.map((scheme) => ({
      scheme,
      network,
      amount: toAtomic(micros, atomicPerUnit),
      asset: address,
      payTo: config.pay_to,
      maxTimeoutSeconds: config.max_timeout_seconds,
      extra: { name, version, ...(scheme === 'upto' && facilitator !== undefined && { facilitatorAddress: facilitator }) },
    })),
  );
}

/** The terms that the caller chose, or undefined where it chose none of ours. */
export function chosenTerms(terms: readonly PaymentRequirements[], { accepted }: PaymentPayload): PaymentRequirements | undefined {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  return terms.find(
    ({ scheme, network, amount, asset, payTo }) =>
      scheme === accepted.scheme &&
      network === accepted.network &&
      amount === accepted.amount &&
      same(asset, accepted.asset) &&
      same(payTo, accepted.payTo),
  );
}

/** What `micros` micro-units are in the asset of some terms, in its smallest units. */
export function amountOf(config: X402, { scheme, network, asset }: PaymentRequirements, micros: number): string {
  const same = termsFor(config, micros).find((terms) => terms.scheme === scheme && terms.network === network && terms.asset === asset);
  if (same === undefined) throw new TwinrouteError('internal', 'terms: expected those of an asset of the config, got others');
  return same.amount;
}

/** The header PAYMENT-REQUIRED before it is encoded. */
export function paymentRequired(config: X402, accepts: readonly PaymentRequirements[], url: string, error: string): PaymentRequired {
  const id = { type: 'string', minLength: 16, maxLength: 128 };
  const schema = { type: 'object', properties: { required: { type: 'boolean' }, id }, required: ['required'] };
  return {
    x402Version: 2,
    error,
    resource: { url, mimeType: 'application/json' },
    accepts,
    extensions: { [IDENTIFIER]: { info: { required: config.identifier_required }, schema } },
  };
}

/** The same for people and programs that look at prices. */
export function paymentTerms({ schemes, pay_to: payTo, assets, identifier_required: required }: X402): PaymentTerms {
  return {
    x402_version: 2,
    schemes,
    pay_to: payTo,
    assets: assets.map(({ network, address, name, atomic_per_unit: atomicPerUnit }) => ({
      network,
      address,
      name,
      atomic_per_unit: atomicPerUnit,
    })),
    identifier_required: required,
  };
}

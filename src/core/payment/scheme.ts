// The ways to pay for one request, and amounts of an asset.

/** What a signature promises: `exact` its amount, `upto` as much of it as was used. */
export const PAYMENT_SCHEMES = ['exact', 'upto'] as const;

/** One way to pay. */
export type PaymentScheme = (typeof PAYMENT_SCHEMES)[number];

const CHARGED: Readonly<Record<PaymentScheme, (bound: number, used: number) => number>> = {
  exact: (bound) => bound,
  upto: (bound, used) => Math.min(bound, used),
};

/**
 * What an answer costs, in micro-units.
 * @param bound the most that it could cost, which is what the payer signed
 * @param used what it would cost by its usage
 */
export function chargedMicros(scheme: PaymentScheme, bound: number, used: number): number {
  return CHARGED[scheme](bound, used);
}

/**
 * An amount in the asset's smallest units, rounded up, in decimal.
 * @param micros in micro-units of the price list's currency
 * @param atomicPerUnit smallest units of the asset that make one whole unit of that currency
 */
export function toAtomic(micros: number, atomicPerUnit: string): string {
  return ((BigInt(micros) * BigInt(atomicPerUnit) + 999_999n) / 1_000_000n).toString();
}

// A cap on spending in words.

import { money } from '../../format/money.ts';

/** `5.00 USD a day`, or `none`. */
export function limitText(
  limit: { readonly micros: number; readonly period: 'day' | 'month' | 'ever' } | undefined,
  currency: string,
): string {
  if (limit === undefined) return 'none';
  return `${money(limit.micros, currency)} ${limit.period === 'ever' ? 'ever' : `a ${limit.period}`}`;
}

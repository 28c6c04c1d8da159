// Amounts in micro-units as people write them.

const MICROS = 1e6;
/** A hundredth of a unit. */
const CENT = 1e4;

/** `1.25 USD`; what is not whole cents has all six digits: `0.000032 USD`. */
export function money(micros: number, currency: string): string {
  const digits = micros % CENT === 0 ? 2 : 6;
  const text = (micros / MICROS).toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text.replace(/^-/, '−')}\u00a0${currency}`;
}

// Amounts in micro-units as people write them.

const MICROS = 1e6;

/** `1.25 USD`; fractions of a cent keep their digits. */
export function money(micros: number, currency: string): string {
  const units = micros / MICROS;
  const most = Math.abs(units) >= 0.01 || units === 0 ? 2 : 6;
  const text = units.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: Math.max(2, neededDigits(micros, most)) });
  return `${text.replace(/^-/, '−')} ${currency}`;
}

/** Digits that tell the amount exactly, for amounts below a hundred units; two for larger ones. */
function neededDigits(micros: number, least: number): number {
  if (Math.abs(micros) >= 100 * MICROS) return 2;
  let digits = 6;
  while (digits > least && micros % 10 ** (6 - digits + 1) === 0) digits -= 1;
  return digits;
}

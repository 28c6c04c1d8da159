// Numbers for people, the same in every browser. A number and its unit are never on two lines.

const LOCALE = 'en';

/** A whole number with separators. */
export function whole(value: number): string {
  return value.toLocaleString(LOCALE, { maximumFractionDigits: 0 });
}

/** A share in percent: `93.1 %`; small ones keep two digits, and what is next to nothing says so. */
export function percent(share: number): string {
  const hundredths = 100 * share;
  if (hundredths > 0 && hundredths < 0.005) return '<\u00a00.01\u00a0%';
  const digits = hundredths !== 0 && Math.abs(hundredths) < 1 ? 2 : 1;
  return `${hundredths.toLocaleString(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits })}\u00a0%`;
}

/** Milliseconds in three digits: `0.4 ms`, `12.3 ms`, `1.25 s`. */
export function milliseconds(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toLocaleString(LOCALE, { maximumSignificantDigits: 3 })}\u00a0s`;
  const digits = ms < 100 ? 1 : 0;
  return `${ms.toLocaleString(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits })}\u00a0ms`;
}

/** A number in few digits. */
export function plain(value: number): string {
  return value.toLocaleString(LOCALE, { maximumSignificantDigits: 3 });
}

/** With its sign, also when it is positive. */
export function signed(text: string, value: number): string {
  return value > 0 ? `+${text}` : text.replace(/^-/, '−');
}

/** Bytes: `812.4 kB`, `6.82 MB`. */
export function bytes(count: number): string {
  return count < 1e6 ? `${(count / 1e3).toFixed(1)}\u00a0kB` : `${(count / 1e6).toFixed(2)}\u00a0MB`;
}

/** `1 answer`, `2 answers`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

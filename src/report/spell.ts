// Numbers as reports write them: always the same, whatever the reader's language.

/** A share as percent with two digits, e.g. `97.37 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** A whole number with separators, e.g. `1,311,955`. */
export function count(value: number): string {
  return value.toLocaleString('en');
}

/** A number in few characters, e.g. `45.4M`. */
export function compact(value: number): string {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 }).format(value);
}

/** Bytes for people, e.g. `45.44 MB`. */
export function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

// JSON in headers, as x402 carries it: UTF-8 in base64.

/** Longest header that is read, in characters. A payment has about 1,000; one with extensions some more. */
const MAX_CHARS = 8_192;

/** The value as a header's text. */
export function toBase64Json(value: unknown): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))));
}

/** The value of a header's text, or undefined for a text that is none or too long. */
export function fromBase64Json(text: string): unknown {
  if (text.length > MAX_CHARS) return undefined;
  try {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    return undefined;
  }
}

// How an API key is written: `tr_<id>_<secret>`. The id begins with the account's, so that a key leads to its account without a directory;
// the secret has 260 bits, so that a plain SHA-256 keeps it: there is nothing to guess, and nothing that a slow hash would make slower.

import { isPayerId } from '../payment/payer-id.ts';

/** Crockford's base 32: no letters that look like digits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const ACCOUNT_CHARS = 12;
const KEY_CHARS = 8;
const SECRET_CHARS = 52;

/** Random bytes that each kind of text needs. */
export const KEY_BYTES = { account: ACCOUNT_CHARS, key: KEY_CHARS, secret: SECRET_CHARS } as const;

const KEY = `tr_(([${ALPHABET}]{${ACCOUNT_CHARS}})[${ALPHABET}]{${KEY_CHARS}})_[${ALPHABET}]{${SECRET_CHARS}}`;
const TEXT = new RegExp(`^${KEY}$`);
const WITHIN = new RegExp(KEY);
const ACCOUNT = new RegExp(`^[${ALPHABET}]{${ACCOUNT_CHARS}}$`);

/** One character for each random byte. */
export function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** A key as it is shown, once. */
export function keyText(id: string, secret: string): string {
  return `tr_${id}_${secret}`;
}

/** The key's id and its account's, or undefined for a text that is no key. */
export function parseKeyText(text: string): { readonly id: string; readonly account: string } | undefined {
  const match = TEXT.exec(text);
  return match === null ? undefined : { id: match[1], account: match[2] };
}

/** Whether a key stands in a text, whole. */
export function holdsKey(text: string): boolean {
  return WITHIN.test(text);
}

/** Whether a text is an account's id: of one that an operator made, or of a payer without one. */
export function isAccountId(text: string): boolean {
  return ACCOUNT.test(text) || isPayerId(text);
}

// Bytes as base64url without padding (RFC 4648 section 5). Buffer is Node's, and what workerd has for it is too new for Node 20.

/** Bytes as text. */
export function toBase64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** Text as bytes; text that is no base64url throws. */
export function fromBase64url(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
}

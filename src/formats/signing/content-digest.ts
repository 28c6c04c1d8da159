// The Content-Digest field: a hash that binds a body to the headers that are signed. Source: RFC 9530

/** Name of the field. */
export const CONTENT_DIGEST = 'content-digest';

/** The field's value for a body, by SHA-256. Cost: O(bytes) */
export async function contentDigest(body: Uint8Array): Promise<string> {
  // WebCrypto's types want bytes in a buffer of their own.
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(body)));
  return `sha-256=:${btoa(String.fromCharCode(...hash))}:`;
}

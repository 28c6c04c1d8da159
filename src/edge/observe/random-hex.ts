// Random ids of traces and spans. Bytes are drawn many at a time: a call to the system costs more than everything else that is noted of a request.

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const pool = new Uint8Array(1_024);
let used = pool.length;

/** Random bytes in lower-case hex. @param bytes at most 1,024 */
export function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  let text = '';
  for (const byte of pool.subarray(used, used + bytes)) text += HEX[byte];
  used += bytes;
  return text;
}

// Compressed bodies, in both directions: gzip, and deflate, which on the web means zlib's format.

import { readBounded } from '../../contract/read-bounded.ts';
import { TwinrouteError } from '../../core/errors.ts';

/** How a body may be encoded. */
export type Encoding = 'gzip' | 'deflate';

const ENCODINGS: readonly Encoding[] = ['gzip', 'deflate'];
/** A smaller answer is not worth it: it leaves in one packet anyway. Bytes. */
const WORTH_BYTES = 1024;

/**
 * The bytes that were encoded.
 * @param encoding value of the header `content-encoding`
 * @param limitBytes most that is decoded, whatever the encoded bytes would give
 * @throws {TwinrouteError} `invalid_request` for another encoding, or bytes that are not so encoded; `too_large` beyond the limit
 */
export async function decompress(bytes: Uint8Array, encoding: string | undefined, limitBytes: number): Promise<Uint8Array> {
  const named = encoding?.trim().toLowerCase() ?? 'identity';
  if (named === 'identity' || named === '') return bytes;
  const known = ENCODINGS.find((candidate) => candidate === named);
  if (known === undefined) throw refusal(`expected ${ENCODINGS.join(' or ')}, or none, got ${named.slice(0, 40)}`);
  const tooLarge = new TwinrouteError('too_large', `body: expected at most ${limitBytes} bytes behind its content-encoding, got more`);
  const body = through(bytes, new DecompressionStream(known));
  try {
    return await readBounded({ headers: new Headers(), body }, limitBytes, () => tooLarge);
  } catch (cause) {
    if (cause === tooLarge) throw cause;
    throw refusal(`expected a body in ${known}, got other bytes`, cause);
  }
}

/**
 * Which encoding an answer of that size gets.
 * @param accepted value of the header `accept-encoding`
 * @returns the first of ours that is accepted; undefined for none
 */
export function chooseEncoding(accepted: string | undefined, sizeBytes: number): Encoding | undefined {
  if (accepted === undefined || sizeBytes < WORTH_BYTES) return undefined;
  const weights = new Map(
    accepted.split(',').map((element) => {
      const [coding, ...parameters] = element.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return [coding, weight === undefined ? 1 : Number(weight)];
    }),
  );
  return ENCODINGS.find((encoding) => (weights.get(encoding) ?? 0) > 0);
}

/** The bytes in that encoding. */
export async function compress(bytes: Uint8Array<ArrayBuffer>, encoding: Encoding): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(through(bytes, new CompressionStream(encoding))).arrayBuffer());
}

/** The bytes by way of a transformation, read from as far as somebody reads. */
function through(bytes: Uint8Array, stream: CompressionStream | DecompressionStream): ReadableStream<Uint8Array> {
  return new Blob([Uint8Array.from(bytes)]).stream().pipeThrough(stream);
}

function refusal(message: string, cause?: unknown): TwinrouteError {
  return new TwinrouteError('invalid_request', `content-encoding: ${message}`, { param: 'content-encoding', cause });
}

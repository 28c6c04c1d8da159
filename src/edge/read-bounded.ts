// Bodies with a limit: what others send is never buffered beyond what was agreed.

/** A request or a response. */
interface Readable {
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
}

/**
 * The whole body.
 * @param limitBytes largest body that is read; a larger one is given up at its content-length or at the first chunk beyond the limit
 * @param tooLarge makes the error to throw then
 */
export async function readBounded(message: Readable, limitBytes: number, tooLarge: () => Error): Promise<Uint8Array> {
  if (Number(message.headers.get('content-length') ?? 0) > limitBytes) {
    await message.body?.cancel();
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of message.body ?? []) {
    size += chunk.byteLength;
    if (size > limitBytes) throw tooLarge();
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0];
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

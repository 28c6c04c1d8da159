// Bodies with a limit: what others send is never buffered beyond what was agreed. The rest of a body that is too large is read and dropped
// up to a second bound, because a peer that is still sending when the connection closes sees a broken pipe and never the answer.

/** What is dropped of a body that is too large before its connection is given up. */
const DRAIN_BYTES = 2 * 1024 * 1024;

/** A request or a response, of any runtime. */
interface Readable {
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
}

/**
 * The whole body.
 * @param limitBytes largest body that is returned, whatever the headers promise
 * @param tooLarge makes the error to throw for a larger one
 */
export async function readBounded(message: Readable, limitBytes: number, tooLarge: () => Error): Promise<Uint8Array> {
  const announced = Number(message.headers.get('content-length') ?? 0);
  const mostBytes = limitBytes + DRAIN_BYTES;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of message.body ?? []) {
    size += chunk.byteLength;
    if (Math.max(size, announced) > mostBytes) break; // which cancels the rest
    if (size <= limitBytes) chunks.push(chunk);
  }
  if (size > limitBytes || announced > mostBytes) throw tooLarge();
  if (chunks.length === 1) return chunks[0];
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

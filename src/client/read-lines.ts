// A body of lines of JSON, read as it comes.

/**
 * The parsed lines.
 * @throws whatever reading the body fails with; what it holds after its last line end is dropped, being half of a line
 */
export async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  const reader = body.getReader();
  const utf8 = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + utf8.decode(value, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) if (line !== '') yield JSON.parse(line);
    }
  } finally {
    // Also when the caller has had enough: the edge then gives up the rest.
    await reader.cancel().catch(() => undefined);
  }
}

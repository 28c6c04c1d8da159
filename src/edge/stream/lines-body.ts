// A body of lines that are made while they are read, whose end is told once, however it comes: read to the last line, given up by the reader, or
// out of time.
//
// A runtime notices that a reader has gone when it writes. So while nothing is ready a blank line leaves every second, which readers of NDJSON skip;
// it also keeps proxies from taking the connection for dead.

/** How long the body is silent at most, in milliseconds. */
const BEAT_MS = 1_000;

/** How a body of lines is made. */
export interface LinesBody<T> {
  /** What the lines are about, in the order of their coming. */
  readonly items: AsyncGenerator<T, void, undefined>;
  /** An item's line, without its end; called when the reader has asked for it, so that what was made into lines is what was handed over. */
  readonly line: (item: T) => string;
  /**
   * Called once. What it resolves to is the last line where there is still a reader.
   * @param complete whether every item was handed over
   */
  readonly end: (complete: boolean) => Promise<string>;
  /** Aborted when nobody reads any longer. */
  readonly given: AbortController;
  /** Milliseconds after which a reader who has not read everything is given up. */
  readonly longestMs: number;
}

/** The body, and a promise that resolves when its end has been told. */
export function linesBody<T>({ items, line, end, given, longestMs }: LinesBody<T>): {
  readonly body: ReadableStream<Uint8Array>;
  readonly ended: Promise<void>;
} {
  const utf8 = new TextEncoder();
  const bytesOf = (text: string): Uint8Array => utf8.encode(`${text}\n`);
  let settled: Promise<string> | undefined;
  let told: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    told = resolve;
  });
  const finish = (complete: boolean): Promise<string> => {
    settled ??= end(complete).finally(() => {
      clearTimeout(timer);
      told();
    });
    return settled;
  };
  const giveUp = (reason: unknown): Promise<unknown> => {
    if (settled === undefined) given.abort(reason);
    return finish(false);
  };
  let timer: ReturnType<typeof setTimeout> | null = null;
  let waiting: Promise<IteratorResult<T, void>> | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        timer = setTimeout(() => {
          const late = new Error('expected the whole answer to be read in time');
          void giveUp(late).then(() => controller.error(late));
        }, longestMs);
      },
      async pull(controller) {
        waiting ??= items.next();
        const next = await orBeat(waiting);
        // Whoever gave up meanwhile was not handed this line, and does not pay for it.
        if (settled !== undefined) return;
        if (next === 'beat') {
          controller.enqueue(bytesOf(''));
          return;
        }
        waiting = undefined;
        if (next.done !== true) {
          controller.enqueue(bytesOf(line(next.value)));
          return;
        }
        controller.enqueue(bytesOf(await finish(true)));
        controller.close();
      },
      async cancel(reason) {
        await giveUp(reason);
      },
    },
    // Nothing is made ahead of the reader.
    { highWaterMark: 0 },
  );
  given.signal.addEventListener('abort', () => void finish(false), { once: true });
  return { body, ended };
}

/** What `work` resolves to, or `beat` when it takes longer than the body may be silent. */
async function orBeat<T>(work: Promise<T>): Promise<T | 'beat'> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const beat = new Promise<'beat'>((resolve) => {
    timer = setTimeout(() => resolve('beat'), BEAT_MS);
  });
  try {
    return await Promise.race([work, beat]);
  } finally {
    clearTimeout(timer);
  }
}

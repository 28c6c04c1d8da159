// A value that is read again as it gets old: at first in the background, so that no request waits for it, and before use once it is too old to be
// trusted.

/** What refreshing needs. */
export interface RefreshingOptions<T> {
  /** The value, given the last one. A failure keeps the last one, too old or not. */
  readonly load: (last: T) => Promise<T>;
  readonly initial: T;
  /** From this age on the value is read again. */
  readonly freshMs: number;
  /** From this age on whoever asks waits for that. */
  readonly trustedMs: number;
  /** What the value was made of, where it can be told at once: when that changes, the value is read again before use. */
  readonly edition?: (() => unknown) | undefined;
  readonly now: () => number;
  readonly keepAlive: (work: Promise<unknown>) => void;
  readonly failed: (cause: unknown) => void;
}

/** A function that gives the value; it never throws. */
export function refreshing<T>(options: RefreshingOptions<T>): () => Promise<T> {
  let value = options.initial;
  let readMs = Number.NEGATIVE_INFINITY;
  let triedMs = Number.NEGATIVE_INFINITY;
  let flight: Promise<void> | undefined;
  let edition: unknown;
  const load = async (): Promise<void> => {
    const madeOf = options.edition?.();
    try {
      const startMs = options.now();
      value = await options.load(value);
      readMs = startMs;
    } catch (cause) {
      options.failed(cause);
    } finally {
      triedMs = options.now();
      edition = madeOf;
      flight = undefined;
    }
  };
  return async () => {
    const nowMs = options.now();
    const isAnother = options.edition?.() !== edition;
    // After a failure the last value serves on until the next try is due.
    if ((isAnother || nowMs - Math.max(readMs, triedMs) >= options.freshMs) && flight === undefined) {
      flight = load();
      options.keepAlive(flight);
    }
    if ((isAnother || nowMs - readMs >= options.trustedMs) && flight !== undefined) await flight;
    return value;
  };
}

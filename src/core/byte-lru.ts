// A memory of bounded size: what was not asked for longest goes first, and what is too old is never told.

/** Values by key. */
export interface ByteLru<T> {
  /** The value, unless it was dropped or its time is over. */
  get(key: string, nowMs: number): T | undefined;
  /** Keeps a value of about `bytes` until `untilMs`; one larger than the whole memory is not kept. */
  set(key: string, value: T, bytes: number, untilMs: number): void;
}

/** An empty memory. Cost: O(1) amortised. */
export function createByteLru<T>(limitBytes: number): ByteLru<T> {
  // A Map keeps the order of insertion: the first key is the one that was not asked for longest.
  const entries = new Map<string, { value: T; bytes: number; untilMs: number }>();
  let held = 0;
  const drop = (key: string): void => {
    held -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get(key, nowMs) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      if (entry.untilMs <= nowMs) {
        held -= entry.bytes;
        return undefined;
      }
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes, untilMs) {
      drop(key);
      if (bytes > limitBytes) return;
      entries.set(key, { value, bytes, untilMs });
      held += bytes;
      for (const oldest of entries.keys()) {
        if (held <= limitBytes) break;
        drop(oldest);
      }
    },
  };
}

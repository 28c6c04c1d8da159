// A memory of bounded size that keeps what is asked for often. What is new has a small window of its own, and has to have been asked for more often than whom it
// would replace to stay when it leaves that: a scan of things that are asked for once takes no place from the ones that are asked for all the time.
// Source: Einziger, Friedman, Manes 2017, "TinyLFU: A Highly Efficient Cache Admission Policy" (W-TinyLFU), with exact counts, as names are few.

/** Values by key. */
export interface FrequencyCache<T> {
  /** The value, if it is kept; asking counts. */
  get(key: string): T | undefined;
  /** Keeps a value for now; one larger than the whole memory is not kept. */
  set(key: string, value: T, bytes: number): void;
  delete(key: string): void;
  /** Forgets all values, but not how often they were asked for. */
  clear(): void;
  counts(): { readonly size: number; readonly bytes: number; readonly evicted: number };
}

/** Share of the memory that new values have. */
const WINDOW_SHARE = 0.1;
/** Half of all counts is forgotten after this many questions for each value that is kept. */
const QUESTIONS_KEPT = 10;
/** The same while there are few. */
const QUESTIONS_AT_LEAST = 1000;

/** An empty memory. Cost: O(1) amortised */
export function createFrequencyCache<T>(limitBytes: number): FrequencyCache<T> {
  interface Entry {
    readonly value: T;
    readonly bytes: number;
  }
  // A Map keeps the order of insertion: the first key is the one that was not asked for longest.
  const fresh = new Map<string, Entry>();
  const settled = new Map<string, Entry>();
  const asked = new Map<string, number>();
  let questions = 0;
  let freshBytes = 0;
  let settledBytes = 0;
  let evicted = 0;

  const count = (key: string): void => {
    asked.set(key, (asked.get(key) ?? 0) + 1);
    questions += 1;
    if (questions < Math.max(QUESTIONS_AT_LEAST, QUESTIONS_KEPT * (fresh.size + settled.size))) return;
    questions = 0;
    for (const [name, times] of asked) {
      if (times < 2) asked.delete(name);
      else asked.set(name, times >> 1);
    }
  };
  const remove = (key: string): Entry | undefined => {
    const young = fresh.get(key);
    const old = settled.get(key);
    freshBytes -= young?.bytes ?? 0;
    settledBytes -= old?.bytes ?? 0;
    fresh.delete(key);
    settled.delete(key);
    return young ?? old;
  };
  const evict = (key: string): void => {
    remove(key);
    evicted += 1;
  };
  /** Who was asked for least lately gives way, unless it was asked for as often. */
  const settle = (key: string, entry: Entry): void => {
    remove(key);
    while (freshBytes + settledBytes + entry.bytes > limitBytes) {
      const [victim] = settled.keys();
      if (victim === undefined || (asked.get(victim) ?? 0) >= (asked.get(key) ?? 0)) {
        evicted += 1;
        return;
      }
      evict(victim);
    }
    settled.set(key, entry);
    settledBytes += entry.bytes;
  };

  return {
    get(key) {
      count(key);
      const home = fresh.has(key) ? fresh : settled;
      const entry = home.get(key);
      if (entry === undefined) return undefined;
      home.delete(key);
      home.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes) {
      remove(key);
      if (bytes > limitBytes) return;
      fresh.set(key, { value, bytes });
      freshBytes += bytes;
      for (const [oldest, entry] of fresh) {
        // The newest one stays in any case: whoever brought it is about to use it.
        if (oldest === key || freshBytes <= WINDOW_SHARE * limitBytes) break;
        settle(oldest, entry);
      }
      for (const victim of settled.keys()) {
        if (freshBytes + settledBytes <= limitBytes) break;
        evict(victim);
      }
    },
    delete: (key) => void remove(key),
    clear() {
      fresh.clear();
      settled.clear();
      freshBytes = 0;
      settledBytes = 0;
    },
    counts: () => ({ size: fresh.size + settled.size, bytes: freshBytes + settledBytes, evicted }),
  };
}

// What a client and a call are told.

/** Facts of an answer beside its body. */
export interface AnswerFacts {
  readonly status: number;
  readonly requestId: string;
  /** Attempts that it took. */
  readonly attempts: number;
  /** Whether it is the answer that an earlier attempt under the same name got. */
  readonly replayed: boolean;
  /** What it cost; undefined where nothing is charged, or where a stream's summary says so. */
  readonly usage:
    | { readonly micros: number; readonly tokens: number; readonly currency: string; readonly balanceMicros: number }
    | undefined;
  /** Where the key stands against its rate; undefined for a key without one. */
  readonly rate: { readonly limit: number; readonly remaining: number; readonly resetSeconds: number } | undefined;
}

/** How a client is made. */
export interface ClientOptions {
  /** Address of the edge, such as `https://edge.example.com`. */
  readonly url: string;
  /** The account's key; none where the edge needs none. */
  readonly key?: string | undefined;
  /** Longest call with all its attempts, in milliseconds, which the edge is told too. Without it a call may take a minute, and the edge goes by its own limit. */
  readonly timeoutMs?: number | undefined;
  /** Longest wait for the head of one attempt's answer, in milliseconds; 20 s. */
  readonly attemptMs?: number | undefined;
  /** Attempts after the first; 4. */
  readonly retries?: number | undefined;
  /** Further headers of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** Numbers in [0, 1) for the waits between attempts. */
  readonly random?: (() => number) | undefined;
}

/** What one call is told. */
export interface CallOptions {
  /** Ends the call; the edge gives up what it has under way. */
  readonly signal?: AbortSignal | undefined;
  /** Instead of the client's. */
  readonly timeoutMs?: number | undefined;
  /** Instead of the client's. */
  readonly retries?: number | undefined;
  /** The call's name: whoever repeats it, in another process even, is answered as before and charged once. Made up when absent. */
  readonly idempotencyKey?: string | undefined;
  /** The request's id, in the edge's answers and logs. */
  readonly requestId?: string | undefined;
  /** `EXPERIMENT=ARM`: an arm of an experiment that allows it. */
  readonly arm?: string | undefined;
  /** Told the facts of the answer. */
  readonly onAnswer?: ((facts: AnswerFacts) => void) | undefined;
}

/** A client's options with defaults. */
export interface Settings extends ClientOptions {
  readonly attemptMs: number;
  readonly retries: number;
  readonly fetch: typeof fetch;
  readonly random: () => number;
}

/** Options with defaults. */
export function settingsOf(options: ClientOptions): Settings {
  return {
    ...options,
    url: options.url.replace(/\/+$/, ''),
    attemptMs: options.attemptMs ?? 20_000,
    retries: options.retries ?? 4,
    // Called as a function: browsers and Workers refuse their own fetch as another object's method.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    random: options.random ?? Math.random,
  };
}

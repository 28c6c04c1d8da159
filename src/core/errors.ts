// The one error family of twinroute. Every failure that a user, an operator or a caller can meet has a literal code from the
// table below; HTTP statuses and exit codes are derived from the code at the outermost edge, never stored here.

/**
 * What can go wrong, who is at fault, and the HTTP status a server answers with.
 * `user`: the input has to change. `system`: the same input may work later or elsewhere.
 */
export const ERROR_CODES = {
  /** A file's bytes are malformed, truncated, or contradict themselves. */
  format: { fault: 'user', status: 400 },
  /** A tensor has another shape or dtype than its use needs. */
  shape: { fault: 'user', status: 400 },
  /** A command line that the verb does not take. */
  usage: { fault: 'user', status: 400 },
  /** A build config, environment variable or option does not fit its schema. */
  config: { fault: 'user', status: 400 },
  /** A model does not fit its base: missing, extra or misshapen tensors, other vocabulary, other base. */
  incompatible: { fault: 'user', status: 400 },
  /** Bytes differ from the hash that their manifest states. */
  integrity: { fault: 'system', status: 500 },
  /** A request body does not fit its schema. */
  invalid_request: { fault: 'user', status: 400 },
  /** A request body is larger than the limit. */
  too_large: { fault: 'user', status: 413 },
  /** A request body that did not come in time. */
  request_timeout: { fault: 'user', status: 408 },
  /** No valid key; says no more than that. */
  unauthorized: { fault: 'user', status: 401 },
  /** The key is good, but not for this. */
  forbidden: { fault: 'user', status: 403 },
  /** Credit or a cap on spending does not cover what the request may cost. */
  payment_required: { fault: 'user', status: 402 },
  /** The same idempotency key was used for something else, or for a request that has no answer to repeat. */
  conflict: { fault: 'user', status: 409 },
  /** The key's requests for this minute are used up. */
  rate_limited: { fault: 'user', status: 429 },
  /** A named expert, model, config, path or file does not exist. */
  not_found: { fault: 'user', status: 404 },
  /** The method is not allowed on this path. */
  method_not_allowed: { fault: 'user', status: 405 },
  /** The queue is full; retry after a while. */
  overloaded: { fault: 'system', status: 429 },
  /** The server is starting, draining or has no healthy endpoint. */
  unavailable: { fault: 'system', status: 503 },
  /** An upstream answered with an error or not at all. */
  upstream: { fault: 'system', status: 502 },
  /** The deadline passed. */
  timeout: { fault: 'system', status: 504 },
  /** Something that the caller asked for is not built into this version. */
  unsupported: { fault: 'user', status: 501 },
  /** A number turned out NaN or infinite, or an algorithm missed its stated bound. */
  numeric: { fault: 'system', status: 500 },
  /** A defect of twinroute. */
  internal: { fault: 'system', status: 500 },
} as const satisfies Record<string, { fault: 'user' | 'system'; status: number }>;

/** A literal error code. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether a text is one of the codes. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}

/** Optional facts about an error. */
export interface ErrorFacts {
  /** The parameter, file or field at fault, e.g. `models[2].model`. */
  readonly param?: string;
  /** Seconds after which a retry makes sense. */
  readonly retryAfterSeconds?: number;
  /** What a program needs to know to react, beside the code. */
  readonly details?: Readonly<Record<string, string | number>>;
  readonly cause?: unknown;
}

/**
 * The one error class. The message says `where: expected …, got …`, so that it helps without a stack.
 */
export class TwinrouteError extends Error {
  override readonly name = 'TwinrouteError' as const;
  readonly code: ErrorCode;
  readonly param: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly details: Readonly<Record<string, string | number>> | undefined;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.param = facts.param;
    this.retryAfterSeconds = facts.retryAfterSeconds;
    this.details = facts.details;
  }
}

/** Whether a thrown value is twinroute's own error. */
export function isTwinrouteError(value: unknown): value is TwinrouteError {
  return value instanceof TwinrouteError;
}

/** The message of any thrown value. */
export function messageOf(value: unknown): string {
  return value instanceof Error ? value.message : String(value);
}

// Why a request to the edge did not get what it asked for.

/** Facts about a refused or failed request. */
export interface ApiFailure {
  /** The edge's own code; `network` when it was not reached, `unreadable` when this page does not understand the answer. */
  readonly code: string;
  readonly message: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Undefined when there was no answer. */
  readonly requestId: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly details?: Readonly<Record<string, string | number>> | undefined;
}

/** The one error that requests of this page end with, beside being aborted. */
export class ApiError extends Error {
  override readonly name = 'ApiError' as const;
  readonly failure: ApiFailure;

  constructor(failure: ApiFailure, cause?: unknown) {
    super(failure.message, cause === undefined ? undefined : { cause });
    this.failure = failure;
  }
}

/** The facts of any thrown value. */
export function failureOf(thrown: unknown): ApiFailure {
  if (thrown instanceof ApiError) return thrown.failure;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: 'page', message: `The page met a defect of its own: ${message}`, status: 0, requestId: undefined };
}

/** Whether the request was given up because nobody waits for it any more. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError';
}

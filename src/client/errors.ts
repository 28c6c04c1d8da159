// What a call can fail with. A caller's own abort is none of these: it rejects with the reason of the caller's signal.

import type { ErrorBody } from './types.ts';

/** Facts of an answer that is an error. */
export interface ApiErrorFacts {
  readonly status: number;
  readonly error: ErrorBody['error'];
  /** Milliseconds after which a retry makes sense, where the edge said so. */
  readonly retryAfterMs: number | undefined;
}

/** Any failure of a call that is not the caller's own abort. */
export class ClientError extends Error {
  override readonly name: string = 'ClientError';
  /** Attempts that were made. */
  attempts = 0;
}

/** The edge answered with an error. */
export class ApiError extends ClientError {
  override readonly name = 'ApiError';
  /** HTTP status. */
  readonly status: number;
  /** Literal code, such as `invalid_request` or `payment_required`. */
  readonly code: string;
  /** The parameter at fault. */
  readonly param: string | undefined;
  /** Amounts behind a 402, the state behind a 409. */
  readonly details: Readonly<Record<string, string | number>>;
  /** For whoever runs the edge. */
  readonly requestId: string;
  readonly retryAfterMs: number | undefined;

  constructor({ status, error, retryAfterMs }: ApiErrorFacts) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.param = error.param;
    this.details = error.details ?? {};
    this.requestId = error.request_id;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer came, or one that is none of the interface's. Whether the request was answered is unknown; under its name it is charged once. */
export class ConnectionError extends ClientError {
  override readonly name = 'ConnectionError';
}

/** The call's time ran out. */
export class TimeoutError extends ClientError {
  override readonly name = 'TimeoutError';
}

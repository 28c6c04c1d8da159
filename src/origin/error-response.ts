// Errors as answers, in one place. The project has one error shape, `{error: {code, message, param?, request_id}}`; the Open Inference
// Protocol wants `{error: "message"}`, and its clients (Triton's, KServe's) read a string there. So under /v2 the body is the protocol's
// and the code travels as a header beside the request id; everywhere else the body is the project's.

import type { Context } from 'hono';
import { ERROR_CODES, isTwinrouteError, TwinrouteError } from '../core/errors.ts';
import { safeError } from '../core/observe/safe-error.ts';
import type { ErrorBody } from '../contract/http.ts';
import { ERROR_CODE_HEADER, isOipPath } from '../contract/oip.ts';
import type { OriginEnv } from './request-id.ts';

/** A handler for hono's `onError`; defects are logged with their request's id and told to nobody. */
export function errorHandler({ log }: { readonly log: (line: string) => void }): (thrown: unknown, c: Context<OriginEnv>) => Response {
  return function onError(thrown, c) {
    const error = isTwinrouteError(thrown)
      ? thrown
      : new TwinrouteError('internal', 'origin: something went wrong; the log has it under this request id', { cause: thrown });
    const { status } = ERROR_CODES[error.code];
    if (status === 500)
      log(
        JSON.stringify({
          level: 'error',
          event: 'failure',
          request_id: c.var.requestId,
          trace_id: c.var.trace?.traceId,
          ...safeError(error),
        }),
      );
    const headers: Record<string, string> = { 'content-type': 'application/json', [ERROR_CODE_HEADER]: error.code };
    // What is still to come of the body would keep the connection busy.
    if (error.code === 'request_timeout') headers['connection'] = 'close';
    if (error.retryAfterSeconds !== undefined) headers['retry-after'] = String(error.retryAfterSeconds);
    return new Response(JSON.stringify(isOipPath(c.req.path) ? { error: error.message } : ownBody(error, c.var.requestId)), {
      status,
      headers,
    });
  };
}

function ownBody(error: TwinrouteError, requestId: string): ErrorBody {
  return {
    error: { code: error.code, message: error.message, ...(error.param !== undefined && { param: error.param }), request_id: requestId },
  };
}

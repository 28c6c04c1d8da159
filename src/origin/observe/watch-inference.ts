// Every inference is watched, and goes on with the trace that its caller began.

import type { MiddlewareHandler } from 'hono';
import { ERROR_CODE_HEADER } from '../../contract/oip.ts';
import { isErrorCode } from '../../core/errors.ts';
import { parseTraceContext } from '../../core/observe/trace-context.ts';
import type { Clock } from '../clock.ts';
import type { OriginEnv } from '../request-id.ts';
import type { OriginWatch } from './watch.ts';

/** Sets the variable `trace`, and tells of requests that came as far as a model. */
export function watchInference(watch: OriginWatch, clock: Clock): MiddlewareHandler<OriginEnv> {
  return async function watchInferenceMiddleware(c, next) {
    const startMs = clock.now();
    const parent = parseTraceContext(c.req.header('traceparent'), c.req.header('tracestate'));
    const trace = watch.begin(parent);
    c.set('trace', trace);
    await next();
    const { inferred, requestId } = c.var;
    if (inferred === undefined) return;
    const code = c.res.headers.get(ERROR_CODE_HEADER) ?? undefined;
    watch.ended({
      ...inferred,
      requestId,
      trace,
      parentSpanId: parent?.spanId,
      startMs,
      totalMs: clock.now() - startMs,
      status: c.res.status,
      code: code === undefined || isErrorCode(code) ? code : 'internal',
    });
  };
}

// An inference as spans: the request, its wait for a run, and its runs.

import type { Span } from '../../core/observe/span.ts';
import type { Inference } from './watch.ts';

/** The spans. @param inference its start in milliseconds since 1970 */
export function inferenceSpans(inference: Inference, newSpanId: () => string): readonly Span[] {
  const { trace, parentSpanId, model, version, requestId, startMs, totalMs, status, code, rows, times } = inference;
  const { traceId, spanId } = trace;
  const request: Span = {
    traceId,
    spanId,
    parentSpanId,
    name: 'POST /v2/models/{model}/infer',
    kind: 'server',
    startMs,
    ms: totalMs,
    failed: status >= 500,
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/v2/models/{model}/infer',
      'http.response.status_code': status,
      'error.type': code,
      'twinroute.request_id': requestId,
      'twinroute.model': model,
      'twinroute.config': version,
      'twinroute.rows': rows,
    },
  };
  if (times === undefined) return [request];
  const part = (name: string, from: number, ms: number): Span => ({
    traceId,
    spanId: newSpanId(),
    parentSpanId: spanId,
    name,
    kind: 'internal',
    startMs: from,
    ms,
    failed: false,
    attributes: { 'twinroute.rows': rows },
  });
  const { inputMs, queueMs, computeMs } = times;
  return [request, part('queue', startMs + inputMs, queueMs), part('run', startMs + inputMs + queueMs, computeMs)];
}

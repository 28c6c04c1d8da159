// Where traces go, from the variables `OTLP` and `OTLP_HEADERS`.

import { Otlp, OtlpHeaders } from '../../contract/otlp.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import type { SendOutcome } from '../../core/observe/span-exporter.ts';
import type { SpanAttributes } from '../../core/observe/span.ts';
import { outboundUrl, type Reach } from '../outbound-url.ts';
import { createOtlpSender } from './send-otlp.ts';

/** Where spans go. */
export interface TraceExport {
  /** Sends one body of OTLP JSON. Never rejects, and gives up in bounded time. */
  readonly send: (body: string) => Promise<SendOutcome>;
  readonly resource: SpanAttributes;
  /** Share of traces, of those that nobody has decided about, that is recorded. */
  readonly sampleRatio: number;
  /** Spans that wait at most. */
  readonly queue: number;
  /** Spans of one body. */
  readonly batch: number;
  /** Longest wait before spans are sent. */
  readonly everyMs: number;
}

/**
 * @param service `service.name` where the variable names none
 * @param reach networks in which the collector may lie
 * @throws {TwinrouteError} `unavailable` for a variable that does not fit; it does not quote the secret
 */
export function openOtlp(
  variable: string,
  secret: string | undefined,
  service: string,
  resource: SpanAttributes,
  fetcher: typeof fetch,
  reach: Reach,
): TraceExport {
  const otlp = parseJsonWith(Otlp, variable, 'OTLP', 'unavailable');
  outboundUrl(otlp.url, reach, 'OTLP', 'unavailable');
  const headers = parseJsonWith(OtlpHeaders, secret ?? '{}', 'OTLP_HEADERS', 'unavailable');
  return {
    send: createOtlpSender({ url: otlp.url, headers, timeoutMs: otlp.timeout_ms, fetch: fetcher }),
    resource: { 'service.name': otlp.service ?? service, ...resource },
    sampleRatio: otlp.sample_ratio,
    queue: otlp.queue,
    batch: otlp.batch,
    everyMs: otlp.interval_ms,
  };
}

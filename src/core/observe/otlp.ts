// Spans in OTLP's JSON encoding, as collectors take it at /v1/traces.
// Source: OpenTelemetry protocol 1.x (https://opentelemetry.io/docs/specs/otlp), protobuf's JSON mapping with ids in hex.

import { SPAN_KINDS, type Span, type SpanAttributes } from './span.ts';

const STATUS_ERROR = 2;

/**
 * The body of one export.
 * @param resource what made the spans, `service.name` first of all
 */
export function encodeSpans(spans: readonly Span[], resource: SpanAttributes): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: encodeAttributes(resource) },
        scopeSpans: [{ scope: { name: 'twinroute' }, spans: spans.map(encodeSpan) }],
      },
    ],
  });
}

function encodeSpan({ traceId, spanId, parentSpanId, name, kind, startMs, ms, failed, attributes }: Span): object {
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: SPAN_KINDS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(startMs + ms),
    attributes: encodeAttributes(attributes),
    ...(failed && { status: { code: STATUS_ERROR } }),
  };
}

function encodeAttributes(attributes: SpanAttributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: encodeValue(value) }]));
}

function encodeValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** Beyond 2^53, so as text; microseconds are the finest that clocks here tell. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}

// A timed piece of work in a trace.

/** What is known about a span; names by OpenTelemetry's semantic conventions where they have one. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Who works for whom: kinds by OpenTelemetry's numbers. */
export const SPAN_KINDS = { internal: 1, server: 2, client: 3 } as const;

/** A span that has ended. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: keyof typeof SPAN_KINDS;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly ms: number;
  readonly failed: boolean;
  readonly attributes: SpanAttributes;
}

// Spans on their way out: a bounded queue in front of a collector that may be slow or away. Whatever does not fit is dropped and counted, never waited for.

import { encodeSpans } from './otlp.ts';
import type { Span, SpanAttributes } from './span.ts';

/** What became of one export: its HTTP status, or `failed` when there was none in time. */
export type SendOutcome = number | 'failed';

/** What exporting needs. */
export interface ExporterOptions {
  /** Sends one body. Never rejects, and gives up in bounded time. */
  readonly send: (body: string) => Promise<SendOutcome>;
  readonly resource: SpanAttributes;
  /** Spans that wait at most. */
  readonly queue: number;
  /** Spans of one body. */
  readonly batch: number;
  /** Told how many spans were dropped, and why: `queue` (full), `collector` (refused, or not reached twice). */
  readonly dropped: (spans: number, why: 'queue' | 'collector') => void;
}

/** Takes spans. */
export interface SpanExporter {
  add(span: Span): void;
  /** Whether a whole batch waits. */
  isFull(): boolean;
  /** Sends what waits. A batch that failed is tried once more at the next call, others wait behind it. Never rejects. */
  flush(): Promise<void>;
}

/** Statuses after which the same body may be sent again. Source: OTLP, "Failures" */
const RETRYABLE: ReadonlySet<SendOutcome> = new Set<SendOutcome>([429, 502, 503, 504, 'failed']);

/** An empty exporter. */
export function createSpanExporter({ send, resource, queue, batch, dropped }: ExporterOptions): SpanExporter {
  let waiting: Span[] = [];
  let unsent: readonly Span[] = [];
  let flight: Promise<void> | undefined;
  const sendAll = async (): Promise<void> => {
    while (unsent.length + waiting.length > 0) {
      const again = unsent.length > 0;
      const spans = again ? unsent : waiting.splice(0, batch);
      const outcome = await send(encodeSpans(spans, resource));
      const later = RETRYABLE.has(outcome);
      unsent = later && !again ? spans : [];
      if (outcome !== 200 && unsent.length === 0) dropped(spans.length, 'collector');
      if (later) return;
    }
  };
  return {
    add(span) {
      if (waiting.length >= queue) dropped(1, 'queue');
      else waiting.push(span);
    },
    isFull: () => waiting.length >= batch,
    flush: () =>
      (flight ??= sendAll().finally(() => {
        flight = undefined;
      })),
  };
}

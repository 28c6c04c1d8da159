// What an origin tells of itself: counts at /metrics, and spans of the traces that its callers record.

import type { ErrorCode } from '../../core/errors.ts';
import { createMetricSet } from '../../core/observe/metric-set.ts';
import type { Series } from '../../core/observe/metric.ts';
import { createPulse } from '../../core/observe/pulse.ts';
import { createSpanExporter } from '../../core/observe/span-exporter.ts';
import { isSampled, type TraceContext } from '../../core/observe/trace-context.ts';
import type { TraceExport } from '../../formats/telemetry/open-otlp.ts';
import type { Clock } from '../clock.ts';
import { inferenceSpans } from './inference-spans.ts';
import { mixEntropy, type RunRow } from './mix-entropy.ts';
import { ORIGIN_METRICS } from './origin-metrics.ts';

/** A model as metrics name it. */
export interface WatchedModel {
  readonly model: string;
  readonly version: string;
}

/** An inference that has ended. Times are milliseconds; of one that failed only the whole is known. */
export interface Inference extends WatchedModel {
  readonly requestId: string;
  readonly trace: TraceContext;
  /** The caller's span. */
  readonly parentSpanId: string | undefined;
  /** By the server's clock. */
  readonly startMs: number;
  readonly totalMs: number;
  readonly status: number;
  readonly code: ErrorCode | undefined;
  readonly rows: number;
  readonly times: { readonly inputMs: number; readonly queueMs: number; readonly computeMs: number } | undefined;
}

/** Takes what happens. */
export interface OriginWatch {
  /** The place of a request in a trace: a span below the caller's, or a new trace. */
  begin(parent: TraceContext | undefined): TraceContext;
  ended(inference: Inference): void;
  /** A run begins. */
  ran(model: WatchedModel, rows: readonly RunRow[]): void;
  /** A pack was loaded, or could not be. */
  reloaded(outcome: 'ok' | 'failed'): void;
  /** Every series; `levels` are those that are read, not counted. */
  read(levels: readonly Series[]): Series[];
  /** Sends what waits. Never rejects. */
  flush(): Promise<void>;
}

/** What watching needs. */
export interface WatchOptions {
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly epochMs: () => number;
  /** Random bytes in lower-case hex. */
  readonly randomHex: (bytes: number) => string;
  readonly sleep: (ms: number) => Promise<void>;
  /** Undefined records nothing. */
  readonly traces: TraceExport | undefined;
}

/** Why Triton says that a request failed, by our codes; what is missing is OTHER. */
const REASONS: Readonly<Partial<Record<ErrorCode, string>>> = {
  overloaded: 'REJECTED',
  unavailable: 'REJECTED',
  timeout: 'CANCELED',
  request_timeout: 'CANCELED',
  internal: 'BACKEND',
  numeric: 'BACKEND',
};

/** Nothing counted. */
export function createWatch({ clock, epochMs, randomHex, sleep, traces }: WatchOptions): OriginWatch {
  const counted = createMetricSet(ORIGIN_METRICS);
  const exporter = traces && createSpanExporter({ ...traces, dropped: () => undefined });
  const touch =
    exporter && createPulse({ everyMs: traces.everyMs, now: () => clock.now(), sleep, keepAlive: () => undefined }, () => exporter.flush());
  const offsetMs = epochMs() - clock.now();
  const succeeded = (
    labels: readonly string[],
    totalMs: number,
    { inputMs, queueMs, computeMs }: NonNullable<Inference['times']>,
  ): void => {
    counted.add('success', labels);
    counted.add('requestUs', labels, microseconds(totalMs));
    counted.add('inputUs', labels, microseconds(inputMs));
    counted.add('queueUs', labels, microseconds(queueMs));
    counted.add('inferUs', labels, microseconds(computeMs));
    counted.add('outputUs', labels, microseconds(totalMs - inputMs - queueMs - computeMs));
    counted.observe('requestSeconds', labels, totalMs / 1000);
  };
  return {
    begin(parent) {
      const spanId = randomHex(8);
      if (parent !== undefined) return { ...parent, spanId };
      const traceId = randomHex(16);
      return { traceId, spanId, sampled: isSampled(traceId, traces?.sampleRatio ?? 0), random: true, state: '' };
    },
    ended(inference) {
      const { model, version, totalMs, times, code, trace } = inference;
      if (times !== undefined && code === undefined) succeeded([model, version], totalMs, times);
      else counted.add('failure', [model, version, REASONS[code ?? 'internal'] ?? 'OTHER']);
      if (exporter === undefined || !trace.sampled) return;
      for (const span of inferenceSpans({ ...inference, startMs: inference.startMs + offsetMs }, () => randomHex(8))) exporter.add(span);
      touch?.();
      if (exporter.isFull()) void exporter.flush();
    },
    ran({ model, version }, rows) {
      const labels = [model, version];
      counted.add('count', labels, rows.length);
      counted.add('execCount', labels);
      counted.observe('runRows', labels, rows.length);
      counted.observe('runMixEntropy', labels, mixEntropy(rows));
      const tokens = rows.reduce((sum, { ids }) => sum + ids.length, 0);
      counted.add('runTokens', labels, tokens);
      counted.add('runPadding', labels, rows.length * Math.max(0, ...rows.map(({ ids }) => ids.length)) - tokens);
    },
    reloaded: (outcome) => counted.add('reloads', [outcome]),
    read: (levels) => [...counted.all(), ...levels],
    flush: async () => exporter?.flush(),
  };
}

function microseconds(ms: number): number {
  return Math.max(0, Math.round(ms * 1000));
}

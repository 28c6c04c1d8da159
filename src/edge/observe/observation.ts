// All that watches the edge, put together from what the world gives it.

import type { Series } from '../../core/observe/metric.ts';
import { createPulse } from '../../core/observe/pulse.ts';
import { createSpanExporter } from '../../core/observe/span-exporter.ts';
import type { TraceExport } from '../../formats/telemetry/open-otlp.ts';
import { createAnalyticsSink } from './analytics-sink.ts';
import { createLogSink, type LogLevel, type WriteLine } from './log-sink.ts';
import type { MetricsStore } from './metrics-port.ts';
import { createMetricsSink } from './metrics-sink.ts';
import { createObserver, type Levels, type Observer } from './observer.ts';
import { createSpanSink } from './span-sink.ts';

/** How often metrics are sent on and errors that came in crowds are told. */
const EVERY_MS = 10_000;

/** What observation is made of. */
export interface ObservationOptions {
  readonly metrics: MetricsStore;
  /** Undefined records no trace. */
  readonly traces: TraceExport | undefined;
  readonly write: WriteLine;
  readonly level: LogLevel;
  /** Undefined writes no points. */
  readonly analytics: Pick<AnalyticsEngineDataset, 'writeDataPoint'> | undefined;
  /** Milliseconds. */
  readonly now: () => number;
  readonly newId: () => string;
  readonly randomHex: (bytes: number) => string;
  readonly sleep: (ms: number) => Promise<void>;
  /** Keeps work running after the request that began it. */
  readonly keepAlive: (work: Promise<unknown>) => void;
}

/** What watches. */
export interface Observation {
  readonly observer: Observer;
  /** Says where levels are to be read. */
  watch(levels: Levels): void;
  /** Every metric, with what this isolate has just counted. */
  readMetrics(): Promise<readonly Series[]>;
  /** Sends and tells everything now. */
  flush(): Promise<void>;
}

/** The sinks, and the observer in front of them. */
export function createObservation(options: ObservationOptions): Observation {
  const { metrics, traces, write, level, analytics, now, newId, randomHex, sleep, keepAlive } = options;
  let levels: Levels = () => [];
  const flush = async (): Promise<void> => {
    log.flush();
    await counts.flush();
  };
  const touch = createPulse({ everyMs: EVERY_MS, now, sleep, keepAlive }, flush);
  const counts = createMetricsSink({ send: (batch) => metrics.add(batch), reporter: newId(), levels: () => levels(), touch });
  const log = createLogSink({ write, level, touch });
  const recorded = traces && createTraces(traces, options, (count, why) => observer.note({ kind: 'dropped', what: 'spans', why, count }));
  const sinks = [counts.sink, log.sink, ...(recorded ? [recorded.sink] : []), ...(analytics ? [createAnalyticsSink(analytics)] : [])];
  const observer = createObserver({ sinks, sampleRatio: traces?.sampleRatio ?? 0, now, randomHex });
  return {
    observer,
    watch: (given) => void (levels = given),
    async readMetrics() {
      await counts.flush();
      return metrics.read();
    },
    flush: async () => void (await Promise.all([flush(), recorded?.flush()])),
  };
}

function createTraces(
  { send, resource, queue, batch, everyMs }: TraceExport,
  { now, sleep, keepAlive }: ObservationOptions,
  dropped: (spans: number, why: string) => void,
) {
  const exporter = createSpanExporter({ send, resource, queue, batch, dropped });
  const touch = createPulse({ everyMs, now, sleep, keepAlive }, exporter.flush);
  const sink = createSpanSink((span) => {
    exporter.add(span);
    touch();
    if (exporter.isFull()) keepAlive(exporter.flush());
  });
  return { sink, flush: exporter.flush };
}

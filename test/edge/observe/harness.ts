// The scripted edge of ../helpers/harness.ts, or the one with accounts, watched by everything that watches a deployment; what comes out is kept.

import { env } from 'cloudflare:workers';
import type { SendOutcome } from '../../../src/core/observe/span-exporter.ts';
import { createObservation, type ObservationOptions } from '../../../src/edge/observe/observation.ts';
import { randomHex } from '../../../src/edge/observe/random-hex.ts';
import { localMetrics } from '../../../src/edge/observe/metrics-port.ts';
import { parseExposition, type Sample } from '../../helpers/parse-exposition.ts';
import * as z from 'zod/mini';

const Attributes = z.array(z.object({ key: z.string(), value: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])) }));
const SentSpan = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.optional(z.string()),
  name: z.string(),
  kind: z.number(),
  attributes: Attributes,
  status: z.optional(z.object({ code: z.number() })),
});
const Export = z.object({ resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(SentSpan) })) })) });

/** A span as a collector got it, attributes as a record. */
export type Received = Omit<z.infer<typeof SentSpan>, 'attributes'> & { readonly attributes: Readonly<Record<string, unknown>> };

/** What a test may change. */
export interface WatchOptions extends Partial<Pick<ObservationOptions, 'now' | 'metrics' | 'level'>> {
  readonly sampleRatio?: number;
  readonly send?: (body: string) => Promise<SendOutcome>;
  readonly sleep?: ObservationOptions['sleep'];
}

/** An observation that keeps all that it would send or write. */
export function watch({ now = Date.now, metrics = localMetrics(now), level = 'debug', sampleRatio = 1, send, sleep }: WatchOptions = {}) {
  const bodies: string[] = [];
  const lines: string[] = [];
  const points: AnalyticsEngineDataPoint[] = [];
  const observation = createObservation({
    metrics,
    traces: {
      send: async (body) => {
        bodies.push(body);
        return send?.(body) ?? 200;
      },
      resource: { 'service.name': 'test' },
      sampleRatio,
      queue: 1_000,
      batch: 100,
      everyMs: 1_000,
    },
    write: (_, line) => void lines.push(line),
    level,
    analytics: {
      writeDataPoint(point) {
        if (point !== undefined) points.push(point);
        // The real one, to have it refuse what it would refuse.
        env.ANALYTICS.writeDataPoint(point);
      },
    },
    now,
    newId: () => crypto.randomUUID(),
    randomHex,
    sleep: sleep ?? (() => new Promise(() => undefined)),
    keepAlive: () => undefined,
  });
  const spans = (): Received[] =>
    bodies.flatMap((body) =>
      Export.parse(JSON.parse(body)).resourceSpans.flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(({ spans: sent }) =>
          sent.map(({ attributes, ...rest }) => ({
            ...rest,
            attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
          })),
        ),
      ),
    );
  return {
    observation,
    bodies,
    points,
    lines,
    /** Lines as objects. */
    logged: (): Record<string, unknown>[] => lines.map((line): Record<string, unknown> => JSON.parse(line)),
    /** Spans, after all are sent. */
    async spans(): Promise<Received[]> {
      await observation.flush();
      return spans();
    },
  };
}

/** Samples of an answer of /metrics. */
export async function samplesOf(response: Response): Promise<Sample[]> {
  return parseExposition(new TextDecoder().decode(await response.arrayBuffer()));
}

/** The value of a series. */
export function valueOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const wanted = Object.entries(labels);
  return samples.find((sample) => sample.name === name && wanted.every(([label, value]) => sample.labels[label] === value))?.value;
}

// Where traces go: the `OTLP` variable and the secret `OTLP_HEADERS` (both JSON).

import * as z from 'zod/mini';
import { Fraction } from './names.ts';

/** The `OTLP` variable. */
export const Otlp = z.strictObject({
  /** E.g. https://collector.example/v1/traces, within the networks of `OUTBOUND`. */
  url: z.url(),
  /** Share of traces that is recorded, of those that no caller has decided about. */
  sample_ratio: z._default(Fraction, 1),
  /** Spans that an isolate or an origin holds at most; more are dropped and counted. */
  queue: z._default(z.int().check(z.minimum(1), z.maximum(100_000)), 2_048),
  /** Spans of one export. */
  batch: z._default(z.int().check(z.minimum(1), z.maximum(10_000)), 256),
  /** Longest wait before spans are sent. */
  interval_ms: z._default(z.int().check(z.minimum(1), z.maximum(25_000)), 5_000),
  /** Longest wait for the collector. */
  timeout_ms: z._default(z.int().check(z.minimum(1), z.maximum(25_000)), 5_000),
  /** `service.name`; twinroute-edge and twinroute-origin without it. */
  service: z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
});

/** The `OTLP_HEADERS` secret: headers by name, for collectors that want a key. */
export const OtlpHeaders = z.record(z.string().check(z.regex(/^[\w-]{1,100}$/)), z.string().check(z.maxLength(4_000)));

// Answer of `/v1/predict` as NDJSON: a line for each input as soon as it has its answer, and a summary at last. A stream without
// a summary was cut. Blank lines mean nothing; they tell both sides that the other is still there.

import * as z from 'zod/mini';
import { ErrorBody, Prediction } from './http.ts';
import { ConfigId, Count, Name } from './names.ts';

/** Content type of the stream. */
export const NDJSON = 'application/x-ndjson';

/** Last line. */
export const PredictSummary = z.strictObject({
  id: z.string(),
  /** Inputs that were answered, and that failed. */
  answers: Count,
  failures: Count,
  /** Inputs that nobody waited for: not 0 only where the stream is repeated after its caller had hung up. */
  cancelled: Count,
  usage: z.strictObject({ tokens: Count, configs: z.array(ConfigId), experts: z.array(Name) }),
  /** What the answers cost; absent where nothing is charged. */
  charge: z.optional(z.strictObject({ micros: Count, currency: z.string() })),
});
export type PredictSummary = z.infer<typeof PredictSummary>;

/** One line: the input's place in the request with its answer or its error, or the summary. */
export const PredictLine = z.union([
  z.strictObject({ index: Count, prediction: Prediction }),
  z.strictObject({ index: Count, error: ErrorBody.shape.error }),
  z.strictObject({ summary: PredictSummary }),
]);
export type PredictLine = z.infer<typeof PredictLine>;

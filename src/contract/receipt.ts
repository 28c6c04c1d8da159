// What an origin signs for an answer.

import * as z from 'zod/mini';
import { ConfigId, Count, Name } from './names.ts';

/** Header that carries the receipt as JSON. */
export const RECEIPT_HEADER = 'x-receipt';

/** One answer's receipt. */
export const Receipt = z.strictObject({
  /** The request's id. */
  id: z.string().check(z.maxLength(128)),
  /** The config that answered. */
  config: ConfigId,
  rows: Count,
  /** Of all rows. */
  tokens: Count,
  /** Weights by expert, as they were merged, those other than 0; of a single row only, the rows of a batch have theirs in the body. */
  mix: z.optional(z.record(Name, z.number())),
});
export type Receipt = z.infer<typeof Receipt>;

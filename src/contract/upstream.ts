// How the edge treats its origins: the `UPSTREAM` variable (JSON). Every field has a default; `hedge`, `check` and `cache` are off unless given.

import * as z from 'zod/mini';
import { Fraction } from './names.ts';

const Milliseconds = z.int().check(z.minimum(1), z.maximum(600_000));
const Places = z.int().check(z.minimum(1), z.maximum(100_000));

/** The `UPSTREAM` variable. */
export const Upstream = z.strictObject({
  /** Longest request. */
  request_ms: z._default(Milliseconds, 10_000),
  /** Longest wait for one attempt within it. */
  attempt_ms: z._default(Milliseconds, 5_000),
  /** Attempts of one request; the budget usually ends it earlier. Where nobody is left but an endpoint that fails half of all, eight leave 1 % over. */
  attempts: z._default(z.int().check(z.minimum(1), z.maximum(20)), 12),
  /** Requests that an isolate has under way; more are refused with 429 before they are read. */
  in_flight: z._default(Places, 256),
  /** Attempts that one endpoint has under way. */
  endpoint_in_flight: z._default(Places, 128),
  /** Retries and hedges at once: a share of the requests under way, and what is allowed in any case. */
  retry_budget: z._default(
    z.strictObject({
      share: z._default(Fraction, 0.2),
      minimum: z._default(z.int().check(z.minimum(0), z.maximum(10_000)), 10),
    }),
    { share: 0.2, minimum: 10 },
  ),
  /** Others are asked too when the first has not answered after so many milliseconds, or after 95 % of the last answers of the fastest endpoint had come. */
  hedge: z.optional(z.strictObject({ after: z.union([z.literal('p95'), Milliseconds]) })),
  /** Endpoints are asked whether they are ready, at most this often and only while there are requests. */
  check: z.optional(z.strictObject({ interval_ms: Milliseconds })),
  /** Answers that an isolate keeps for requests that allow it. */
  cache: z.optional(
    z.strictObject({
      bytes: z.int().check(z.minimum(1), z.maximum(32 << 20)),
      seconds: z.int().check(z.minimum(1), z.maximum(86_400)),
    }),
  ),
});
export type Upstream = z.infer<typeof Upstream>;

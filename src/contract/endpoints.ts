// Bodies about origins' endpoints.

import * as z from 'zod/mini';
import { ConfigId, Name } from './names.ts';
import { HealthAnswer } from './http.ts';

const { state, in_flight, latency_ms, failure_share } = HealthAnswer.shape.endpoints.def.element.shape;

/** Answer of `GET /v1/endpoints`: what this isolate has learnt. Addresses are not told. */
export const EndpointsAnswer = z.strictObject({
  endpoints: z.array(
    z.strictObject({
      id: Name,
      region: z.optional(z.string()),
      /** Experts it holds; `*` for all. */
      experts: z.union([z.literal('*'), z.array(Name)]),
      /** By the configs that it serves: one may fail where another answers. */
      configs: z.array(
        z.strictObject({
          config: ConfigId,
          state,
          in_flight,
          latency_ms,
          /** Of its latest answers; null while there are too few. */
          p95_ms: z.nullable(z.number()),
          failure_share,
        }),
      ),
    }),
  ),
});
export type EndpointsAnswer = z.infer<typeof EndpointsAnswer>;

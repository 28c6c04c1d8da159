// How router scores become a mix. Lives in the manifest, travels to the edge, is applied by core/routing/policy.ts.

import * as z from 'zod/mini';
import { Fraction } from './names.ts';

/** Routing policy. */
export const Policy = z.strictObject({
  /** Softmax temperature over the router's logits, fitted on held-back rows. */
  temperature: z.number().check(z.gt(0), z.maximum(100)),
  /** At most so many experts are mixed. */
  top_k: z.int().check(z.minimum(1), z.maximum(64)),
  /** Experts whose share after top-k is below this are dropped. */
  threshold: Fraction,
  /** Below this highest score the mix is empty: the shared model answers alone. */
  abstain: Fraction,
});
export type Policy = z.infer<typeof Policy>;

// The light router at work: features of raw text → graph → policy. Runs wherever a session runs: at the edge, in an origin, in a build.

import { expectFloat } from '../core/tensor.ts';
import { type FeatureOptions, createExtractor } from '../core/routing/features.ts';
import { type Routing, type RoutingPolicy, applyPolicy } from '../core/routing/policy.ts';
import type { Session } from './session.ts';

/** Logits of a text or a pair, one per class, in a fresh array. */
export type Score = (text: string, pair?: string) => Promise<Float32Array>;

/** What a manifest says of a router. */
export interface RouterSpec {
  readonly features: FeatureOptions;
  /** Expert of each logit. */
  readonly classes: readonly string[];
  readonly policy: RoutingPolicy;
}

/** A router. */
export interface Router {
  /**
   * Decides which experts answer a text or a pair.
   * @param topK most experts in the mix, instead of the policy's
   */
  route(text: string, pair?: string, topK?: number): Promise<Routing>;
}

/**
 * Logits of router.onnx, whose inputs are `ids` int32 `[F]` and `weights` `[F]`, and whose output is `logits [1, classes]`.
 * @returns a function that throws `shape` when the graph has other outputs
 */
export function createScore(session: Session, features: FeatureOptions, classes: number): Score {
  const extract = createExtractor(features);
  return async (text, pair) => {
    const { ids, weights } = extract(text, pair);
    const { logits } = await session.run({
      ids: { dtype: 'int32', shape: [ids.length], data: ids },
      weights: { dtype: 'float32', shape: [weights.length], data: weights },
    });
    return expectFloat(logits, [1, classes], 'router: logits').data;
  };
}

/** A router over a session, which stays the caller's. */
export function createRouter(session: Session, { features, classes, policy }: RouterSpec): Router {
  const score = createScore(session, features, classes.length);
  return {
    route: async (text, pair, topK) => applyPolicy(await score(text, pair), classes, policy, topK),
  };
}

// The policy: how a router's logits become a mix. temperature → top-k → threshold → renormalise; or an empty mix, when no score is high
// enough to be trusted, so that the shared model answers alone.

import { TwinrouteError } from '../errors.ts';
import type { Mix } from '../mix.ts';
import { softmax } from './score.ts';

/** A policy's numbers; contract/policy.ts has the schema. */
export interface RoutingPolicy {
  /** Softmax temperature over the logits, above 0. */
  readonly temperature: number;
  /** Most experts in a mix. */
  readonly top_k: number;
  /** Experts whose share after top-k is below this are dropped; the best one stays. */
  readonly threshold: number;
  /** Below this highest score the mix is empty. */
  readonly abstain: number;
}

/** A router's opinion on one expert. */
export interface RouterScore {
  readonly expert: string;
  /** In [0, 1]; the scores of all classes sum to 1. */
  readonly score: number;
}

/** What a policy made of logits. */
export interface Routing {
  /** In class order. */
  readonly scores: readonly RouterScore[];
  readonly mix: Mix;
  /** Whether the mix is empty. */
  readonly abstained: boolean;
}

/**
 * Applies a policy.
 * @param logits `[T]`
 * @param classes expert of each logit; ties go to the earlier one
 * @param topK replaces the policy's, when given
 * @returns a mix whose weights sum to 1, or none
 * @throws {TwinrouteError} `numeric` when a logit is not finite
 */
export function applyPolicy(logits: ArrayLike<number>, classes: readonly string[], policy: RoutingPolicy, topK = policy.top_k): Routing {
  for (let i = 0; i < logits.length; i++) {
    if (!Number.isFinite(logits[i]))
      throw new TwinrouteError('numeric', `applyPolicy: expected finite logits, got ${logits[i]} for ${classes[i]}`);
  }
  const probabilities = softmax(logits, policy.temperature);
  const scores = classes.map((expert, i): RouterScore => ({ expert, score: probabilities[i] }));
  const ranked = [...scores].sort((a, b) => b.score - a.score).slice(0, topK);
  if (ranked.length === 0 || ranked[0].score < policy.abstain) return { scores, mix: [], abstained: true };
  const kept = ranked.filter(({ score }, i) => i === 0 || score / sumOf(ranked) >= policy.threshold).filter(({ score }) => score > 0);
  const sum = sumOf(kept);
  return { scores, mix: kept.map(({ expert, score }) => ({ expert, weight: score / sum })), abstained: false };
}

function sumOf(scores: readonly RouterScore[]): number {
  return scores.reduce((sum, { score }) => sum + score, 0);
}

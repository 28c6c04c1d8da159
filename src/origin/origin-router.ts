// The paper's router, run here: an MLP on the mean-pooled hidden states of the shared model, which no edge has.

import { mixVector } from '../core/mix.ts';
import { applyPolicy } from '../core/routing/policy.ts';
import { expectFloat, floatTensor } from '../core/tensor.ts';
import type { ManifestOriginRouter } from '../contract/manifest.ts';
import type { Session } from '../model/session.ts';
import type { Predictor } from './predictor.ts';

/**
 * Routes rows of features `[d]`.
 *
 * The policy sees every class of the router. Only then is its mix cut to the resident experts, and the weight of the others goes to the
 * shared model: an expert that is not here must not lend its share to one that does something else.
 * @param experts names of the resident experts, the columns of the answer
 * @param session `features [B, d]` → `logits [B, classes]`
 */
export function createOriginRouter(
  { classes, policy }: Pick<ManifestOriginRouter, 'classes' | 'policy'>,
  experts: readonly string[],
  session: Session,
): NonNullable<Predictor['route']> {
  return async function route(features, topK) {
    const width = features[0].length;
    const stacked = new Float32Array(features.length * width);
    for (const [i, row] of features.entries()) stacked.set(row, i * width);
    const outputs = await session.run({ features: floatTensor([features.length, width], stacked) });
    const logits = expectFloat(outputs['logits'], [features.length, classes.length], 'origin router: logits');
    return features.map((_, i) => {
      const { mix, scores } = applyPolicy(logits.data.subarray(i * classes.length, (i + 1) * classes.length), classes, policy, topK);
      const scoreOf = new Map(scores.map(({ expert, score }) => [expert, score]));
      return { mix: mixVector(mix, experts), scores: Float32Array.from(experts, (expert) => scoreOf.get(expert) ?? 0) };
    });
  };
}

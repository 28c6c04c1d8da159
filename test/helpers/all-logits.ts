// Logits of all heads side by side, as a graph with heads gives them.

import type { Predictor, PredictorOutput } from '../../src/origin/predictor.ts';

export function allLogits(output: PredictorOutput, { experts }: Pick<Predictor, 'experts'>): number[] {
  return experts.flatMap((_, expert) => [...output.logits(expert)]);
}

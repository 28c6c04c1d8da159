// One model as it is: what stacks layers of several models, together with `slices`.

import type { LinearMethod } from './method.ts';

/** scale·θ_1 in a merge, which has no base; θ0 + scale·τ_1 in a pack. Source: mergekit's documentation. */
export const passthrough: LinearMethod = {
  kind: 'linear',
  name: 'passthrough',
  source: 'mergekit',
  needs: 'none',
  base: 'unused',
  experts: { min: 1, max: 1 },
  parameters: {},
  expertParameters: { scale: { default: 1, min: -10, max: 10, meaning: 'Factor of every entry.' } },
  coefficients: (_, [{ scale }]) => [scale],
};

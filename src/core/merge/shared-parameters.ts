// Parameters that several methods have in common.

import type { ParameterSpec } from './method.ts';

/** Share of an expert in a sum. */
export const weight: ParameterSpec = { default: 1, min: -10, max: 10, meaning: 'Share of this expert relative to the others.' };

/**
 * Scale of what is added to the base.
 * @param value as papers have it for sums of many task vectors; mergekit's is always 1
 */
export function lambda(value: number): ParameterSpec {
  return { default: value, ...(value !== 1 && { mergekit: 1 }), min: -10, max: 10, meaning: 'Scale of the merged task vectors.' };
}

/** Whether weights are divided by their sum; `mergekit` where a file that leaves it out means something else. */
export function normalize(value: 0 | 1, mergekit = value): ParameterSpec {
  return {
    default: value,
    ...(mergekit !== value && { mergekit }),
    flag: true,
    min: 0,
    max: 1,
    meaning: 'Whether to divide by the sum of the weights that take part.',
  };
}

/**
 * Share of a task vector's entries that is kept.
 * @param value as the paper has it; mergekit's is always 1, which keeps all
 */
export function density(value: number): ParameterSpec {
  return { default: value, mergekit: 1, min: 0, max: 1, meaning: 'Share of the entries of this task vector that is kept.' };
}

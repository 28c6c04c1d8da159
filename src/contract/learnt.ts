// What a shared model's method learnt before it merged, as a manifest keeps it: for reading, and for making the same merge without learning again.

import * as z from 'zod/mini';
import { Count, Name } from './names.ts';

/** Coefficients of task vectors. */
const LearntCoefficients = z.strictObject({
  kind: z.literal('coefficients'),
  /** Parameters that have coefficients of their own; none where an expert has one for all. */
  tensors: z.array(z.string()),
  /** By expert: one for each of `tensors`, or a single one. Six digits. */
  values: z.record(Name, z.array(z.number())),
  /** Experts whose coefficients stayed where they started: regressions, and those without texts. */
  held: z.array(Name),
  /** Texts learnt from and texts held back. */
  rows: z.strictObject({ train: Count, held_back: Count }),
  /** Σ over classifiers of the mean entropy on held-back texts, before the first step and at the step whose coefficients were kept. */
  entropy: z.strictObject({ start: z.number(), kept: z.number(), step: Count }),
});

/** Gram matrices, which are too large to keep. */
const LearntGrams = z.strictObject({
  kind: z.literal('grams'),
  /** Texts by expert. */
  rows: z.record(Name, Count),
  /** Linear layers that were merged by them; every other parameter is an average. */
  layers: Count,
});

/** What was learnt. */
export const Learnt = z.discriminatedUnion('kind', [LearntCoefficients, LearntGrams]);
export type Learnt = z.infer<typeof Learnt>;

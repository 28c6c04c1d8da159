// part.json: what one shard of a build has made, and what a join has to know before it trusts one byte of it.

import * as z from 'zod/mini';
import { ManifestFile, ModuleTensor } from './manifest.ts';
import { ConfigId, Count, Name } from './names.ts';

/** The schema version that this code writes and reads. */
export const PART_SCHEMA = 1;

/** Shards of a build at most. */
export const MAX_SHARDS = 10_000;

/** part.json. */
export const Part = z.strictObject({
  schema: z.literal(PART_SCHEMA),
  /** `merged`: tensors of the pack. `spectra`: the singular values that a budget is shared out by, before anything is merged. */
  kind: z.enum(['merged', 'spectra']),
  name: Name,
  /** The id of the pack's config: method, parameters, inputs and seed. */
  config: ConfigId,
  /** Which shard of how many, counted from 0. */
  shard: z
    .strictObject({ index: Count, count: z.int().check(z.minimum(1), z.maximum(MAX_SHARDS)) })
    .check(z.refine(({ index, count }) => index < count, 'expected an index below the count')),
  engine: z.string(),
  producer: z.string(),
  /** What became of the shard's parameters, in expert order; empty lists among spectra. */
  experts: z.array(z.strictObject({ name: Name, tensors: z.array(ModuleTensor) })).check(z.maxLength(10_000)),
  /** The same of the fade; absent where modules are about the shared model. */
  fade: z.optional(z.array(ModuleTensor)),
  files: z.record(z.string(), ManifestFile),
});
export type Part = z.infer<typeof Part>;

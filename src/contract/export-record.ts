// twinroute.json of an exported folder: what was exported from which pack, for programs and for whoever replaces the folder later.

import * as z from 'zod/mini';
import { ManifestFile, Provenance } from './manifest.ts';
import { ConfigId, Count, Name } from './names.ts';

/** A head of an exported model. */
export const ExportedHead = z.strictObject({
  expert: Name,
  problem: z.enum(['classification', 'regression']),
  labels: z.array(z.string()),
  /** Where its labels begin among the model's logits. */
  first: Count,
});
export type ExportedHead = z.infer<typeof ExportedHead>;

/** twinroute.json. */
export const ExportRecord = z.strictObject({
  format: z.string(),
  pack: Name,
  config: ConfigId,
  producer: z.string(),
  dtype: z.string(),
  /** What was folded into the weights; empty for the shared model, null where the mix is still an input. */
  mix: z.nullable(z.array(z.strictObject({ expert: Name, weight: z.number() }))),
  heads: z.array(ExportedHead),
  base: Provenance,
  /** Experts whose modules or heads are inside. */
  experts: z.array(z.strictObject({ name: Name, provenance: Provenance })),
  /** Parameters that the format cannot express and that were left out, by expert. */
  dropped: z.record(z.string(), z.array(z.string())),
  files: z.record(z.string(), ManifestFile),
});
export type ExportRecord = z.infer<typeof ExportRecord>;

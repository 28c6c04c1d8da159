// twinroute-merge.json: what a merged checkpoint was made from, beside it. Its presence tells a merge from other folders.

import * as z from 'zod/mini';
import { ManifestFile, Provenance } from './manifest.ts';
import { Count } from './names.ts';

/** The file's name. */
export const MERGE_RECORD_FILE = 'twinroute-merge.json';

/** twinroute-merge.json. */
export const MergeRecord = z.strictObject({
  schema: z.literal(1),
  producer: z.string(),
  method: z.string(),
  seed: Count,
  /** The engine that took products; `none` when none were needed. */
  engine: z.string(),
  /** As named in the config, the one that gave config and tokenizer first. */
  models: z.array(z.strictObject({ model: z.string(), kind: z.enum(['full', 'lora']), provenance: Provenance })),
  tensors: Count,
  parameters: Count,
  /** What was ignored or left out. */
  notices: z.array(z.string()),
  /** The YAML, unchanged. */
  config: z.string(),
  files: z.record(z.string(), ManifestFile),
});
export type MergeRecord = z.infer<typeof MergeRecord>;

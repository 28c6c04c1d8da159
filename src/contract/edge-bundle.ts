// What the edge needs of a pack, as deployed assets: `index.json` lists configs, `<config>/edge.json` and `<config>/router.onnx` stand
// beside it. A new pack is new assets, never new code.

import * as z from 'zod/mini';
import { ConfigId, Count, Fraction, Name, Sha256 } from './names.ts';
import { Policy } from './policy.ts';
import { RouterFeatures } from './manifest.ts';

/** What people want to know of an expert; nothing is routed by it. */
const AboutExpert = z.strictObject({
  /** How its module's numbers are stored. */
  format: z.string(),
  /** Module and head. */
  bytes: Count,
  /** Over its factored tensors; absent where it has none. */
  ranks: z.optional(z.strictObject({ lowest: Count, highest: Count, mean: z.number() })),
  /** Shares of its tensors' energy that the module keeps, over those that changed; absent where none did. */
  kept_energy: z.optional(z.strictObject({ lowest: Fraction, mean: Fraction })),
  license: z.string(),
  source: z.string(),
  /** One of the texts that its pack was built with, cut to `EXAMPLE_CHARS`. */
  example: z.optional(z.strictObject({ text: z.string(), text_pair: z.optional(z.string()) })),
});
export type AboutExpert = z.infer<typeof AboutExpert>;

/** Longest example, in UTF-16 units: it is to be read and tried, not to be trained on. */
export const EXAMPLE_CHARS = 400;

/** One expert as the edge knows it. */
export const EdgeExpert = z.strictObject({
  name: Name,
  problem: z.enum(['classification', 'regression']),
  labels: z.array(z.string()),
  /** Absent in assets that were written before there was such a thing. */
  about: z.optional(AboutExpert),
});
export type EdgeExpert = z.infer<typeof EdgeExpert>;

/** Largest tokenizer that the edge keeps: vocabularies of 120,000 words take 5 MB, and one isolate's memory has to do. */
export const TOKENIZER_BYTES = 16 << 20;

/** `<config>/edge.json`. */
export const EdgeBundle = z.strictObject({
  schema: z.literal(1),
  name: Name,
  config: ConfigId,
  method: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  routing: z.enum(['edge', 'origin', 'auto']),
  experts: z.array(EdgeExpert),
  /** Gates inside the model mix all experts for every text: a task or a mix only chooses the head. */
  gated: z.optional(z.literal(true)),
  /** Absent when the origin alone routes. */
  router: z.optional(
    z.strictObject({
      file: z.string(),
      sha256: Sha256,
      bytes: Count,
      features: RouterFeatures,
      classes: z.array(Name),
      policy: Policy,
    }),
  ),
  /** For engines that take token ids; read when the first text goes to one. Absent in assets that were written before there was such a thing. */
  tokenizer: z.optional(
    z.strictObject({
      file: z.string(),
      sha256: Sha256,
      bytes: Count.check(z.maximum(TOKENIZER_BYTES)),
      /** tokenizer_config.json, as text. */
      config_json: z.string().check(z.maxLength(1 << 20)),
      /** Longest encoding, special tokens counted. */
      max_tokens: Count,
    }),
  ),
});
export type EdgeBundle = z.infer<typeof EdgeBundle>;

/** A config and the hash of its edge.json, as an index and a release list them. */
export const ConfigEntry = z.strictObject({ config: ConfigId, name: Name, sha256: Sha256 });
export type ConfigEntry = z.infer<typeof ConfigEntry>;

/** `index.json`: the first config is the default. */
export const EdgeIndex = z.strictObject({ schema: z.literal(1), configs: z.array(ConfigEntry) });
export type EdgeIndex = z.infer<typeof EdgeIndex>;

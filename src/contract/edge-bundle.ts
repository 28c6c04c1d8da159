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
});
export type EdgeBundle = z.infer<typeof EdgeBundle>;

/** A config and the hash of its edge.json, as an index and a release list them. */
export const ConfigEntry = z.strictObject({ config: ConfigId, name: Name, sha256: Sha256 });
export type ConfigEntry = z.infer<typeof ConfigEntry>;

/** `index.json`: the first config is the default. */
export const EdgeIndex = z.strictObject({ schema: z.literal(1), configs: z.array(ConfigEntry) });
export type EdgeIndex = z.infer<typeof EdgeIndex>;

/** One origin address, as the edge's `ENDPOINTS` variable lists them (JSON). */
export const Endpoint = z.strictObject({
  id: Name,
  url: z.url({ protocol: /^https?$/ }),
  /** Experts it holds; `*` for all of its configs' experts. */
  experts: z.union([z.literal('*'), z.array(Name)]),
  /** Configs it serves; absent means any. */
  configs: z.optional(z.array(ConfigId)),
  /** Where it is, as Cloudflare names continents (`EU`) and data centres (`FRA`): a hint until latencies are known. */
  region: z.optional(z.string().check(z.regex(/^[A-Z]{2,3}$/, 'expected a continent or a data centre, such as EU or FRA'))),
});
export type Endpoint = z.infer<typeof Endpoint>;

/** The `ENDPOINTS` variable. Ids are distinct: health is kept by them. */
export const Endpoints = z.array(Endpoint).check(
  z.maxLength(1000),
  z.refine((endpoints) => new Set(endpoints.map(({ id }) => id)).size === endpoints.length, 'expected distinct ids'),
);

// Releases: what the edge serves beyond what was deployed with it, as one signed document. A new one is made for every change, a rollback too, so
// versions only rise. Blobs (edge.json, router.onnx, tokenizer.json) lie in a bucket under their hashes, and nothing that a release does not name is served.

import * as z from 'zod/mini';
import { ConfigEntry } from './edge-bundle.ts';
import { Experiments } from './experiments.ts';
import { ConfigId, Count, Name, Sha256 } from './names.ts';
import { KeyId } from './signing-keys.ts';
import { PriceList } from './price-list.ts';

/** Limits, with reasons. */
export const RELEASE_LIMITS = {
  /** Twenty experiments and a thousand prices fit many times over. */
  payloadBytes: 512 * 1024,
  /** Their routers are in one isolate's memory together. */
  configs: 16,
  /** Largest edge.json; 10,000 experts fit. */
  bundleBytes: 16 << 20,
  /** Largest router: what an isolate of 128 MB can hold beside onnxruntime. */
  routerBytes: 32 << 20,
} as const;

/** Key of the newest release in the namespace `CONFIG`. */
export const RELEASE_KEY = 'release';

const Version = z.int().check(z.minimum(1));

/** Why there is a release. */
export const ReleaseAction = z.enum(['publish', 'rollout', 'rollback']);
export type ReleaseAction = z.infer<typeof ReleaseAction>;

/** One release. Readers of another `schema` refuse it. */
export const Release = z.strictObject({
  schema: z.literal(1),
  version: Version,
  /** The release that this one follows, and the hash of its payload: the history is a chain. Absent for the first. */
  previous: z.optional(z.strictObject({ version: Version, sha256: Sha256 })),
  created: z.iso.datetime(),
  action: ReleaseAction,
  /** The version whose content a rollback brings back; 0 is what was deployed before there were releases. */
  restores: z.optional(Count),
  /** Who made it, in their own words. */
  by: z.string().check(z.minLength(1), z.maxLength(200)),
  reason: z.string().check(z.minLength(1), z.maxLength(500)),
  /** The first is the default, the others answer requests and experiments that name them: those are staged. */
  configs: z.array(ConfigEntry).check(
    z.minLength(1),
    z.maxLength(RELEASE_LIMITS.configs),
    z.refine((configs) => new Set(configs.map(({ config }) => config)).size === configs.length, 'expected distinct configs'),
  ),
  /** Instead of those that the edge finds elsewhere. */
  experiments: z.optional(Experiments),
  /** Instead of the edge's own. */
  prices: z.optional(PriceList),
});
export type Release = z.infer<typeof Release>;

/** What a release serves, without its place in the history. */
export type ReleaseContent = Pick<Release, 'configs' | 'experiments' | 'prices'>;

/** A release as it travels: its canonical JSON, and an Ed25519 signature over a line that names the purpose, and that text. */
export const SignedRelease = z.strictObject({
  payload: z.string().check(z.maxLength(RELEASE_LIMITS.payloadBytes)),
  kid: KeyId,
  /** 64 bytes in base64url. */
  signature: z.string().check(z.regex(/^[\w-]{86}$/, 'expected 64 bytes in base64url')),
});
export type SignedRelease = z.infer<typeof SignedRelease>;

/** Answer of `GET /admin/v1/releases`. */
export const ReleasesAnswer = z.strictObject({
  /** The newest release; null where there is none yet. */
  head: z.nullable(SignedRelease),
  /** What was deployed with the edge. */
  deployed: z.array(ConfigEntry),
  /** Newest first, the last hundred: the audit log. */
  history: z.array(
    z.strictObject({
      version: Version,
      sha256: Sha256,
      kid: KeyId,
      received_ms: Count,
      ...z.pick(Release, { action: true, by: true, reason: true, restores: true, configs: true }).shape,
    }),
  ),
});
export type ReleasesAnswer = z.infer<typeof ReleasesAnswer>;

/** Answer of `GET` and `PUT /admin/v1/blobs/{sha256}`. */
export const BlobAnswer = z.strictObject({ sha256: Sha256 });
export type BlobAnswer = z.infer<typeof BlobAnswer>;

/** Answer of `POST /admin/v1/releases`. */
export const ReleasedAnswer = z.strictObject({ version: Version, sha256: Sha256 });

/** Answer of `GET /admin/v1/readiness/{config}/{sha256}`: who of those that should serve a config does. */
export const ReadinessAnswer = z.strictObject({
  config: ConfigId,
  endpoints: z.array(z.strictObject({ id: Name, ready: z.boolean(), detail: z.string() })),
  /** Experts of the config that no ready endpoint holds. */
  missing: z.array(Name),
});
export type ReadinessAnswer = z.infer<typeof ReadinessAnswer>;

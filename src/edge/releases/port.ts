// What releases need of a deployment: keys, the history, the notice in KV and the bucket.

import type { PriceList } from '../../contract/price-list.ts';
import type { Release } from '../../contract/release.ts';
import type { KeyRing } from '../../formats/signing/key-ring.ts';
import type { VerifiedRelease } from '../../formats/signing/release-signature.ts';
import type { Bundles } from '../bundles.ts';
import type { Releases as ReleasesObject } from '../durable/releases.ts';
import type { FileSources } from './stage-files.ts';

/** Where releases are kept. */
export interface ReleaseStore {
  /** Of those who may publish; public halves. */
  readonly keys: KeyRing;
  /** The notice in KV: cheap and near, but seconds or minutes old, and anybody's who can write there. */
  readonly readNotice: () => Promise<string | undefined>;
  /** The history, a fresh stub each time: one that failed once fails for good. */
  readonly history: () => DurableObjectStub<ReleasesObject>;
  /** Blobs by their hashes. */
  readonly bucket: R2Bucket;
  /** How old what an isolate knows may get, in milliseconds. */
  readonly ttlMs: number;
}

/** Where releases stand in this isolate. */
export interface ReleaseStatus {
  /** The release that is served; null before there is one. */
  readonly version: number | null;
  /** Code of what keeps this isolate from a newer one, or from knowing. */
  readonly problem?: string;
}

/** Releases as the rest of the edge sees them. */
export interface Releases extends ReleaseStore, FileSources {
  /** The configs of the release that is served, or else those that were deployed. */
  readonly bundles: Bundles;
  /** Those that were deployed. */
  readonly deployed: Bundles;
  /** The release that is served. */
  current(): Promise<VerifiedRelease | undefined>;
  /** Hash of the release that was served when `current` was last asked. */
  edition(): string | undefined;
  /** Its prices. */
  prices(): PriceList | undefined;
  /** @throws {TwinrouteError} `config` for a release that is well signed, but not for this deployment */
  check(release: Release): void;
  status(): Promise<ReleaseStatus>;
}

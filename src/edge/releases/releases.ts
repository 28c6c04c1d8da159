// Releases as an isolate knows them: the newest one that verifies is served, with all of its configs or not at all; until there is one, what was
// deployed is. Read again in the background, so that requests wait only in an isolate that has not been asked for long.

import type { Release } from '../../contract/release.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { VerifiedRelease } from '../../formats/signing/release-signature.ts';
import type { CreateSession } from '../../model/session.ts';
import { unknownConfig, type AssetBundles } from '../bundles.ts';
import { toTwinrouteError } from '../errors.ts';
import { refreshing } from '../experiments/refreshing.ts';
import type { LoadDeps } from '../load-config.ts';
import { fetchBlob } from './blobs.ts';
import { findNewest } from './newest.ts';
import type { Releases, ReleaseStore } from './port.ts';
import { checkCurrency } from './prices.ts';
import { ANSWERS_MS, configOf, FREED_MS, freeRetired, openRelease, type Serving } from './serving.ts';

/** How long KV alone may say that nothing changed. */
const HISTORY_MS = 300_000;

/** What knowing releases needs. */
export interface ReleaseDeps {
  readonly store: ReleaseStore;
  /** Those that were deployed. */
  readonly deployed: AssetBundles;
  readonly fetchAsset: (path: string) => Promise<Response>;
  readonly createSession: CreateSession;
  /** In which balances are kept; undefined where nothing is charged. */
  readonly currency: string | undefined;
  /** Milliseconds. */
  readonly now: () => number;
  readonly keepAlive: (work: Promise<unknown>) => void;
  readonly log: (error: TwinrouteError, requestId: string) => void;
}

/** What an isolate knows. */
interface Known {
  readonly serving: Serving | undefined;
  /** Since when a release is served. */
  readonly sinceMs: number;
  /** When the history was last heard. */
  readonly heardMs: number;
  readonly problem: TwinrouteError | undefined;
}

/** Releases that are read on first use. */
export function createReleases({ store, deployed, ...deps }: ReleaseDeps): Releases {
  const files: LoadDeps = { ...deps, fetchFile: ({ sha256 }) => fetchBlob(store.bucket, sha256) };
  const check = (release: Release): void => checkCurrency(release, deps.currency);
  let deployedIsFree = false;
  let served: VerifiedRelease | undefined;

  async function load(last: Known): Promise<Known> {
    const nowMs = deps.now();
    const { release, problems, heard } = await findNewest(store, last.serving?.release, nowMs - last.heardMs >= HISTORY_MS);
    const heardMs = heard ? nowMs : last.heardMs;
    let { serving, sinceMs } = last;
    let problem = problems[0];
    if (release !== undefined && release.sha256 !== serving?.release.sha256) {
      try {
        check(release.release);
        serving = await openRelease(files, release, serving, nowMs);
        served = release;
        if (last.serving === undefined) sinceMs = nowMs;
      } catch (thrown) {
        problem = refusal(release.release.version, thrown);
      }
    }
    if (problem !== undefined && problem.message !== last.problem?.message) deps.log(problem, 'releases');
    if (serving === undefined) return { serving, sinceMs, heardMs, problem };
    // Once a release is served, what was deployed never is again.
    if (!deployedIsFree && nowMs - sinceMs >= FREED_MS) {
      deployedIsFree = true;
      await deployed.free();
    }
    return { serving: await freeRetired(serving, nowMs), sinceMs, heardMs, problem };
  }

  const known = refreshing<Known>({
    load,
    initial: { serving: undefined, sinceMs: Infinity, heardMs: -Infinity, problem: undefined },
    freshMs: store.ttlMs / 3,
    trustedMs: store.ttlMs,
    now: deps.now,
    keepAlive: deps.keepAlive,
    failed: (cause) => deps.log(toTwinrouteError(cause), 'releases'),
  });
  return {
    ...store,
    deployed,
    fetchAsset: deps.fetchAsset,
    bundles: {
      async index() {
        const { serving } = await known();
        return serving === undefined ? deployed.index() : { schema: 1, configs: serving.held.map(({ entry }) => entry) };
      },
      async load(config) {
        const { serving, sinceMs } = await known();
        const nowMs = deps.now();
        const found = serving && configOf(serving, config, nowMs);
        if (found !== undefined) return found;
        if (serving === undefined || nowMs - sinceMs < ANSWERS_MS) return deployed.load(config);
        throw unknownConfig(config);
      },
    },
    current: async () => (await known()).serving?.release,
    edition: () => served?.sha256,
    prices: () => served?.release.prices,
    check,
    async status() {
      const { serving, problem } = await known();
      return { version: serving?.release.release.version ?? null, ...(problem !== undefined && { problem: problem.code }) };
    },
  };
}

function refusal(version: number, thrown: unknown): TwinrouteError {
  const { code, message } = toTwinrouteError(thrown);
  return new TwinrouteError(code, `release ${version} is refused: ${message}`, { cause: thrown });
}

// The configs of one release in an isolate's memory, and how one release takes another's place: what both list is kept as it is, what is new is
// loaded and verified first, and what is gone answers a little longer, for requests and experiments that chose it a moment ago.

import type { ConfigEntry } from '../../contract/edge-bundle.ts';
import type { VerifiedRelease } from '../../formats/signing/release-signature.ts';
import { loadConfig, type DeployedConfig, type LoadDeps, type LoadedConfig } from '../load-config.ts';

/** How long a config that is no longer listed still answers: experiments are up to 27 s behind. */
export const ANSWERS_MS = 60_000;
/** When its memory is freed: routing, the last use that a request has for it, takes milliseconds. */
export const FREED_MS = 90_000;

interface Held {
  readonly entry: ConfigEntry;
  readonly loaded: LoadedConfig;
}

/** What is served. */
export interface Serving {
  readonly release: VerifiedRelease;
  /** In the release's order. */
  readonly held: readonly Held[];
  readonly retired: readonly (Held & { readonly sinceMs: number })[];
}

/**
 * What is served after `last`.
 * @throws {TwinrouteError} `integrity` or `unavailable` when a file is not as the release says; then nothing has changed
 */
export async function openRelease(deps: LoadDeps, release: VerifiedRelease, last: Serving | undefined, nowMs: number): Promise<Serving> {
  const { configs } = release.release;
  const known = [...(last?.held ?? []), ...(last?.retired ?? [])];
  const fresh: LoadedConfig[] = [];
  const open = async (entry: ConfigEntry): Promise<Held> => {
    const same = known.find((candidate) => candidate.entry.config === entry.config && candidate.entry.sha256 === entry.sha256);
    if (same !== undefined) return same;
    const loaded = await loadConfig(deps, entry);
    fresh.push(loaded);
    return { entry, loaded };
  };
  try {
    const held = await Promise.all(configs.map(open));
    // Where something is served already, no request waits for a router. An isolate that starts has a request waiting for the first one.
    for (const { loaded } of last === undefined ? held.slice(0, 1) : held) await loaded.router?.();
    const stays = new Set(held.map(({ loaded }) => loaded));
    const leaving = (last?.held ?? []).filter(({ loaded }) => !stays.has(loaded)).map((gone) => ({ ...gone, sinceMs: nowMs }));
    return { release, held, retired: [...leaving, ...(last?.retired ?? []).filter(({ loaded }) => !stays.has(loaded))] };
  } catch (error) {
    await Promise.all(fresh.map((loaded) => loaded.free()));
    throw error;
  }
}

/** Frees configs that went long ago. */
export async function freeRetired(serving: Serving, nowMs: number): Promise<Serving> {
  const old = serving.retired.filter(({ sinceMs }) => nowMs - sinceMs >= FREED_MS);
  if (old.length === 0) return serving;
  await Promise.all(old.map(({ loaded }) => loaded.free()));
  return { ...serving, retired: serving.retired.filter((gone) => !old.includes(gone)) };
}

/** The config of that id, or the default; undefined when it is neither listed nor just gone. */
export function configOf({ held, retired }: Serving, config: string | undefined, nowMs: number): DeployedConfig | undefined {
  if (config === undefined) return held[0].loaded;
  const answering = retired.filter(({ sinceMs }) => nowMs - sinceMs < ANSWERS_MS);
  return [...held, ...answering].find(({ entry }) => entry.config === config)?.loaded;
}

// Experts between disk and runs: loaded when a row first mixes them, once for all who ask at the same time, and forgotten when others that are asked for
// more need their place. A run keeps what it was given, so nothing is taken away from under it.

import { TwinrouteError } from '../core/errors.ts';
import { createFlights } from '../core/flights.ts';
import { createFrequencyCache } from '../core/frequency-cache.ts';
import type { ExpertFactors } from '../model/expert-factors.ts';
import type { ExpertPages } from './expert-pages.ts';

/** Experts by name. */
export interface ExpertStore {
  /**
   * The expert in memory.
   * @throws {TwinrouteError} what `load` throws
   */
  get(name: string): Promise<ExpertFactors>;
  /** @throws {TwinrouteError} `unavailable` for an expert that the operator has unloaded */
  expectLoaded(name: string): void;
  /** The experts for whoever watches and for the operator. @param names all that may be asked for */
  pages(names: readonly string[]): ExpertPages;
}

/**
 * A store over `load`.
 * @param limitBytes of all experts kept; one that is larger is loaded for each run
 */
export function createExpertStore(load: (name: string) => Promise<ExpertFactors>, limitBytes: number): ExpertStore {
  const kept = createFrequencyCache<ExpertFactors>(limitBytes);
  const join = createFlights<ExpertFactors>();
  const unloaded = new Set<string>();
  let pageIns = 0;

  const bring = async (name: string): Promise<ExpertFactors> => {
    const expert = await load(name);
    pageIns += 1;
    if (!unloaded.has(name)) kept.set(name, expert, expert.bytes);
    return expert;
  };
  const get = (name: string): Promise<ExpertFactors> => {
    const known = kept.get(name);
    return known === undefined ? join(name, () => bring(name)) : Promise.resolve(known);
  };

  return {
    get,
    expectLoaded(name) {
      if (unloaded.has(name))
        throw new TwinrouteError('unavailable', `expert ${name}: expected a loaded one, got one that was unloaded`, {
          param: name,
          retryAfterSeconds: 1,
        });
    },
    pages: (names) => ({
      async load(name) {
        await get(name);
        unloaded.delete(name);
        // One that was being read for a run while it was unloaded was not kept.
        await get(name);
      },
      unload(name) {
        unloaded.add(name);
        kept.delete(name);
      },
      counts() {
        const { size, bytes, evicted } = kept.counts();
        return { registered: names.length, resident: size, bytes, pageIns, evictions: evicted };
      },
      drop: () => kept.clear(),
    }),
  };
}

// Experts between disk and runs: loaded when a row first mixes them, once for all who ask at the same time, and forgotten when others need their
// place. A run keeps what it was given, so nothing is taken away from under it.

import { createByteLru } from '../core/byte-lru.ts';
import type { ExpertFactors } from '../model/expert-factors.ts';

/** Experts by name. */
export interface ExpertStore {
  /**
   * The expert in memory.
   * @throws {TwinrouteError} what `load` throws
   */
  get(name: string): Promise<ExpertFactors>;
}

/**
 * A store over `load`.
 * @param limitBytes of all experts kept; one that is larger is loaded for each run
 */
export function createExpertStore(load: (name: string) => Promise<ExpertFactors>, limitBytes: number): ExpertStore {
  const kept = createByteLru<ExpertFactors>(limitBytes);
  const loading = new Map<string, Promise<ExpertFactors>>();

  const start = async (name: string): Promise<ExpertFactors> => {
    try {
      const expert = await load(name);
      kept.set(name, expert, expert.bytes, Infinity);
      return expert;
    } finally {
      loading.delete(name);
    }
  };

  return {
    get(name) {
      const known = kept.get(name, 0);
      if (known !== undefined) return Promise.resolve(known);
      const flight = loading.get(name) ?? start(name);
      loading.set(name, flight);
      return flight;
    },
  };
}

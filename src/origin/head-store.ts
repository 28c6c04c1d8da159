// Output layers of experts: read when somebody first asks for one, then kept, as they are small beside everything else.

import { TwinrouteError } from '../core/errors.ts';
import type { GraphHead } from '../model/twin-parameters.ts';

/** Heads by the index of their expert. */
export interface HeadStore {
  /** Brings heads into memory. @throws {TwinrouteError} what reading one throws */
  bring(experts: readonly number[]): Promise<void>;
  /** A head that was brought. */
  of(expert: number): GraphHead;
}

/** A store over `load`, which is asked once for each head. */
export function createHeadStore(load: (expert: number) => Promise<GraphHead>): HeadStore {
  const heads = new Map<number, GraphHead>();
  const loading = new Map<number, Promise<void>>();
  const start = async (expert: number): Promise<void> => {
    try {
      heads.set(expert, await load(expert));
    } finally {
      loading.delete(expert);
    }
  };
  return {
    async bring(experts) {
      for (const expert of experts) {
        if (heads.has(expert)) continue;
        const flight = loading.get(expert) ?? start(expert);
        loading.set(expert, flight);
        await flight;
      }
    },
    of(expert) {
      const head = heads.get(expert);
      if (head === undefined) throw new TwinrouteError('internal', `heads: expected number ${expert} to be in memory`);
      return head;
    },
  };
}

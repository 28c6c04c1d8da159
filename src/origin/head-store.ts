// Output layers of experts: read when somebody first asks for one, then kept, as they are small beside everything else.

import { TwinrouteError } from '../core/errors.ts';
import { createFlights } from '../core/flights.ts';
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
  const join = createFlights<void>();
  return {
    async bring(experts) {
      for (const expert of experts) {
        if (heads.has(expert)) continue;
        await join(expert, async () => void heads.set(expert, await load(expert)));
      }
    },
    of(expert) {
      const head = heads.get(expert);
      if (head === undefined) throw new TwinrouteError('internal', `heads: expected number ${expert} to be in memory`);
      return head;
    },
  };
}

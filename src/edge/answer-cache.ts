// Answers for requests that allow an old one. In the isolate's memory and not in the Cache API: that takes GET requests only, does nothing
// on workers.dev, and would put tenants' answers behind URLs in a store that all of a zone shares. An isolate forgets, and two isolates each
// ask once; a cache that only saves work may.

import type { Upstream } from '../contract/upstream.ts';
import { createByteLru } from '../core/byte-lru.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { quantiseMix } from '../core/quantise-mix.ts';
import type { Dispatch } from './attempt.ts';
import type { Dispatched } from './dispatch.ts';
import { sha256Hex } from './sha256.ts';

/** Mixes that agree on this grid share an answer. */
const MIX_STEPS = 256;
/** What an entry takes beside its answer's text, which is held as UTF-16. */
const ENTRY_BYTES = 512;

/** Kept answers. */
export interface AnswerCache {
  /**
   * The kept answer to the same question, else what `ask` gives, which is kept when nothing of the question was cut.
   * @param tenant whose question it is: no answer ever crosses from one tenant to another
   */
  through(
    tenant: string,
    job: Dispatch,
    ask: () => Promise<Dispatched>,
  ): Promise<{ readonly result: Dispatched; readonly cached: boolean }>;
}

/** A cache without entries; without settings, one that keeps nothing. */
export function createAnswerCache(settings: Upstream['cache'], now: () => number): AnswerCache {
  const kept = createByteLru<Dispatched>(settings?.bytes ?? 0);
  return {
    async through(tenant, job, ask) {
      if (settings === undefined) return { result: await ask(), cached: false };
      const key = await keyOf(tenant, job);
      const known = kept.get(key, now());
      if (known !== undefined) return { result: known, cached: true };
      const result = await ask();
      if (isWhole(job, result))
        kept.set(key, result, ENTRY_BYTES + 2 * JSON.stringify(result.answer).length, now() + settings.seconds * 1000);
      return { result, cached: false };
    },
  };
}

/** Whether the answer has the whole mix and the wanted head, and not what a reduced fleet could do. */
function isWhole({ originRoutes, placement: { heads } }: Dispatch, { answer, placement }: Dispatched): boolean {
  return placement.covered === 1 && answer.oneAdapter === undefined && (originRoutes || answer.head === heads[0]);
}

/** A hash over all that an answer depends on, and over whose it is. */
async function keyOf(tenant: string, { bundle, placement, originRoutes, row }: Dispatch): Promise<string> {
  const { mix, heads } = placement;
  const weights = quantiseMix(
    Float32Array.from(mix, ({ weight }) => weight),
    MIX_STEPS,
  );
  const question = {
    tenant,
    config: bundle.config,
    merge: originRoutes ? { top_k: row.topK } : { mix: mix.map(({ expert }, i) => [expert, weights[i]]), head: heads[0] },
    text: row.text,
    text_pair: row.textPair,
  };
  return sha256Hex(canonicalJson(question));
}

// Hot mixes on weights of their own. In front of a factored encoder: a mix that keeps coming is merged into a plain session, which costs its rows
// nothing for factors, and gives its place up to a hotter one. Every answer is the same as the factored one; only its price differs.

import type { CostModel } from '../core/batching/cost-model.ts';
import { chooseRows } from '../core/batching/choose-rows.ts';
import { togetherSize, type RunRow } from '../core/batching/run-shapes.ts';
import type { HotMixes, Promotion } from '../core/batching/hot-mixes.ts';
import { mixKey } from '../core/mix-key.ts';
import type { EncodedRows, Encoder } from './encoder.ts';
import type { PredictorRow } from './predictor.ts';

/** An encoder of one mix. */
export type MixEncoder = Pick<Encoder, 'run' | 'release'>;

/** What promoting needs. */
export interface PromotingOptions {
  readonly factored: Encoder;
  /** Bytes of a mix's weights. */
  readonly mixBytes: number;
  readonly hot: HotMixes;
  /** Merges a mix. */
  readonly merge: (mix: Float32Array) => Promise<MixEncoder>;
  readonly cost: CostModel;
  /** Milliseconds. */
  readonly now: () => number;
  /** Told of each change of places. */
  readonly onChange: (promotion: Promotion) => void;
  /** Told why a mix could not be merged; it stays factored. */
  readonly onFailure: (error: unknown) => void;
}

/** The encoder; it owns the factored one and those of promoted mixes. */
export function createPromotingEncoder({ factored, mixBytes, hot, merge, cost, now, onChange, onFailure }: PromotingOptions): Encoder {
  const promoted = new Map<string, MixEncoder>();
  const keys = new WeakMap<PredictorRow, { readonly key: string | undefined }>();
  /** A merge under way, or one that is done and waits for the next run to be let in: nothing is released under a run. */
  let merging: Promise<void> | undefined;
  let ready: { readonly promotion: Promotion; readonly encoder: MixEncoder } | undefined;
  let closed = false;
  let running = 0;
  let givingUp = false;
  let promotions = 0;
  let demotions = 0;

  const keyOf = (row: PredictorRow): string | undefined => {
    const known = keys.get(row) ?? { key: mixKey(row.mix) };
    keys.set(row, known);
    return known.key;
  };
  const encoderOf = (row: PredictorRow): MixEncoder | undefined => {
    const key = keyOf(row);
    return key === undefined ? undefined : promoted.get(key);
  };

  const letIn = async (): Promise<void> => {
    if (ready === undefined) return;
    const { promotion, encoder } = ready;
    ready = undefined;
    promoted.set(promotion.promote, encoder);
    promotions += 1;
    hot.settle(promotion);
    onChange(promotion);
    if (promotion.demote === undefined) return;
    const old = promoted.get(promotion.demote);
    promoted.delete(promotion.demote);
    demotions += 1;
    await old?.release();
  };

  /** Once nothing runs. */
  const giveUp = async (): Promise<void> => {
    if (!givingUp || running > 0) return;
    givingUp = false;
    const old = [...promoted.values(), ...(ready === undefined ? [] : [ready.encoder])];
    demotions += promoted.size;
    promoted.clear();
    ready = undefined;
    hot.clear();
    for (const encoder of old) await encoder.release();
  };

  const promote = async (promotion: Promotion, mix: Float32Array): Promise<void> => {
    try {
      const encoder = await merge(mix);
      if (closed) await encoder.release();
      else ready = { promotion, encoder };
    } catch (error) {
      onFailure(error);
    } finally {
      merging = undefined;
    }
  };

  const consider = (rows: readonly PredictorRow[]): void => {
    for (const row of rows) {
      const key = keyOf(row);
      if (key !== undefined) hot.note(key, row.ids.length);
    }
    if (merging !== undefined || ready !== undefined) return;
    const promotion = hot.next();
    const row = promotion && rows.find((candidate) => keyOf(candidate) === promotion.promote);
    if (promotion === undefined || row === undefined) return;
    merging = promote(promotion, row.mix);
  };

  const runPromoted = async (encoder: MixEncoder, rows: readonly PredictorRow[]): Promise<EncodedRows> => {
    const startMs = now();
    const encoded = await encoder.run(rows);
    cost.observe(togetherSize(rows.map(plainRow), plain), now() - startMs);
    return encoded;
  };

  return {
    ...(factored.prepare !== undefined && { prepare: factored.prepare }),

    ...(factored.pages !== undefined && { pages: factored.pages }),
    promotions: () => ({ promoted: promotions, demoted: demotions, held: promoted.size, bytes: promoted.size * mixBytes }),

    async run(rows) {
      running += 1;
      try {
        await letIn();
        const own = encoderOf(rows[0]);
        const encoded =
          own !== undefined && rows.every((row) => encoderOf(row) === own) ? await runPromoted(own, rows) : await factored.run(rows);
        consider(rows);
        return encoded;
      } finally {
        running -= 1;
        await giveUp();
      }
    },

    async relieve() {
      givingUp = true;
      await giveUp();
      await factored.relieve?.();
    },

    choose(waiting, maxRows) {
      const own = encoderOf(waiting[0]);
      const alike = [...waiting.keys()].filter((i) => encoderOf(waiting[i]) === own);
      const rows = alike.map((i) => waiting[i]);
      const chosen =
        own === undefined && factored.choose !== undefined
          ? factored.choose(rows, maxRows)
          : chooseRows(rows.map(plainRow), { maxRows, rankOf: plain, cost, tiles: false });
      return chosen.map((i) => alike[i]);
    },

    async release() {
      closed = true;
      await merging;
      await ready?.encoder.release();
      for (const encoder of promoted.values()) await encoder.release();
      await factored.release();
    },
  };
}

/** A row on weights of its own: no experts beside it. */
function plainRow({ ids }: PredictorRow): RunRow {
  return { tokens: ids.length, experts: [] };
}

const plain = (): number => 0;

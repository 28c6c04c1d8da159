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
  /** Merges a mix on an instance; what is under way when `signal` aborts may throw. */
  readonly merge: (mix: Float32Array, instance: number, signal: AbortSignal) => Promise<MixEncoder>;
  readonly cost: CostModel;
  /** Milliseconds. */
  readonly now: () => number;
  /** Told of each change of places. */
  readonly onChange: (promotion: Promotion) => void;
  /** Told why a mix could not be merged; it stays factored. */
  readonly onFailure: (error: unknown) => void;
}

/** A mix's weights, on the one instance that has them. */
interface Place {
  readonly encoder: MixEncoder;
  readonly instance: number;
}

/** The encoder; it owns the factored one and those of promoted mixes. */
export function createPromotingEncoder({ factored, mixBytes, hot, merge, cost, now, onChange, onFailure }: PromotingOptions): Encoder {
  const promoted = new Map<string, Place>();
  const keys = new WeakMap<PredictorRow, { readonly key: string | undefined }>();
  const busy = new Set<number>();
  /** They lost their place under a run of their instance, and go after it. */
  let leaving: Place[] = [];
  let merging: Promise<void> | undefined;
  const closing = new AbortController();
  let promotions = 0;
  let demotions = 0;

  const keyOf = (row: PredictorRow): string | undefined => {
    const known = keys.get(row) ?? { key: mixKey(row.mix) };
    keys.set(row, known);
    return known.key;
  };
  const placeOf = (row: PredictorRow): Place | undefined => {
    const key = keyOf(row);
    return key === undefined ? undefined : promoted.get(key);
  };
  const encoderOn = (instance: number, row: PredictorRow): MixEncoder | undefined => {
    const place = placeOf(row);
    return place?.instance === instance ? place.encoder : undefined;
  };

  /** Frees those whose instance runs nothing. */
  const letGo = async (): Promise<void> => {
    const free = leaving.filter(({ instance }) => !busy.has(instance));
    leaving = leaving.filter(({ instance }) => busy.has(instance));
    for (const { encoder } of free) await encoder.release();
  };
  const demote = async (key: string): Promise<void> => {
    const place = promoted.get(key);
    if (place === undefined) return;
    promoted.delete(key);
    demotions += 1;
    leaving.push(place);
    await letGo();
  };

  /** Where there are fewest, without the one that goes. */
  const instanceFor = ({ demote: going }: Promotion): number => {
    const held = Array.from({ length: factored.instances }, () => 0);
    for (const [key, { instance }] of promoted) if (key !== going) held[instance] += 1;
    return held.indexOf(Math.min(...held));
  };

  const promote = async (promotion: Promotion, mix: Float32Array): Promise<void> => {
    try {
      const instance = instanceFor(promotion);
      const encoder = await merge(mix, instance, closing.signal);
      if (closing.signal.aborted) {
        await encoder.release();
        return;
      }
      promoted.set(promotion.promote, { encoder, instance });
      promotions += 1;
      hot.settle(promotion);
      onChange(promotion);
      if (promotion.demote !== undefined) await demote(promotion.demote);
    } catch (error) {
      if (!closing.signal.aborted) onFailure(error);
    } finally {
      merging = undefined;
    }
  };

  const consider = (rows: readonly PredictorRow[]): void => {
    for (const row of rows) {
      const key = keyOf(row);
      if (key !== undefined) hot.note(key, row.ids.length);
    }
    if (merging !== undefined) return;
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
    instances: factored.instances,
    ...(factored.prepare !== undefined && { prepare: factored.prepare }),

    ...(factored.pages !== undefined && { pages: factored.pages }),
    promotions: () => ({ promoted: promotions, demoted: demotions, held: promoted.size, bytes: promoted.size * mixBytes }),

    async run(rows, instance = 0) {
      const own = encoderOn(instance, rows[0]);
      const alike = own !== undefined && rows.every((row) => encoderOn(instance, row) === own);
      busy.add(instance);
      try {
        const encoded = alike ? await runPromoted(own, rows) : await factored.run(rows, instance);
        consider(rows);
        return encoded;
      } finally {
        busy.delete(instance);
        await letGo();
      }
    },

    async relieve() {
      hot.clear();
      for (const key of promoted.keys()) await demote(key);
      await factored.relieve?.();
    },

    // Rows of a mix that has weights on another instance are left to it; where nothing else waits they run here, on factors.
    choose(waiting, maxRows, instance = 0) {
      const all = [...waiting.keys()];
      const own = all.filter((i) => (placeOf(waiting[i])?.instance ?? instance) === instance);
      const open = own.length > 0 ? own : all;
      const encoder = encoderOn(instance, waiting[open[0]]);
      const alike = open.filter((i) => encoderOn(instance, waiting[i]) === encoder);
      const rows = alike.map((i) => waiting[i]);
      const chosen =
        encoder === undefined && factored.choose !== undefined
          ? factored.choose(rows, maxRows, instance)
          : chooseRows(rows.map(plainRow), { maxRows, rankOf: plain, cost, tiles: false });
      return chosen.map((i) => alike[i]);
    },

    async release() {
      closing.abort();
      await merging;
      for (const { encoder } of [...promoted.values(), ...leaving]) await encoder.release();
      await factored.release();
    },
  };
}

/** A row on weights of its own: no experts beside it. */
function plainRow({ ids }: PredictorRow): RunRow {
  return { tokens: ids.length, experts: [] };
}

const plain = (): number => 0;

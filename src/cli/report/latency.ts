// How long one request takes when it is alone: a row of the typical length under its own expert, through the pack's session, again and again.

import { mixVector } from '../../core/mix.ts';
import type { Predictor, PredictorRow } from '../../origin/predictor.ts';
import type { TaskData } from '../quality/read-data.ts';

/** Milliseconds of a request. */
export interface Latency {
  readonly tokens: number;
  readonly runs: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
}

const WARM_UPS = 10;
const RUNS = 100;

/** The row whose number of tokens is the median of all tasks' rows, with its own expert's mix. */
export function typicalRow(predictor: Predictor, data: ReadonlyMap<string, TaskData>): PredictorRow {
  const names = predictor.experts.map(({ name }) => name);
  const rows = [...data].flatMap(([expert, task]) =>
    task.rows.map(({ text, text_pair: pair }): PredictorRow => {
      const { ids, types } = predictor.encode(text, pair);
      return { ids, types, mix: mixVector([{ expert, weight: 1 }], names) };
    }),
  );
  return rows.toSorted((a, b) => a.ids.length - b.ids.length)[Math.floor(rows.length / 2)];
}

/**
 * Latency of a row alone.
 * @param now milliseconds of a clock that only goes forward
 */
export async function measureLatency(predictor: Pick<Predictor, 'run'>, row: PredictorRow, now: () => number): Promise<Latency> {
  for (let run = 0; run < WARM_UPS; run++) await predictor.run([row]);
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const start = now();
    await predictor.run([row]);
    times.push(now() - start);
  }
  times.sort((a, b) => a - b);
  // Nearest rank.
  const quantile = (share: number): number => times[Math.ceil(share * RUNS) - 1];
  return { tokens: row.ids.length, runs: RUNS, p50_ms: quantile(0.5), p95_ms: quantile(0.95) };
}

// Latency as the number of distinct mixes grows: the same load, from one mix for all to another one for nearly every request.

import { createRandom } from '../../../../src/core/random.ts';
import { estimateQuantiles, estimateStatistic, quantile, type Estimate } from '../statistics.ts';
import { distinctMixes } from './mixes.ts';
import type { HttpLab } from './over-http.ts';
import type { LabText } from './texts.ts';

/** At one number of mixes. */
export interface MixesPoint {
  readonly mixes: number;
  readonly requests: number;
  /** Milliseconds. */
  readonly p50: Estimate;
  readonly p95: Estimate;
}

/** What was measured. */
export interface MixesFigures {
  readonly perSecond: number;
  readonly points: readonly MixesPoint[];
  /** Largest p95 by the smallest. */
  readonly worstByBest: Estimate;
}

/** From below the budget of the default `--promote-mb`, which holds three mixes of the sample pack, to far beyond it. */
const COUNTS = [1, 3, 8, 32, 100, 1000, 10_000];
/** Seconds of a turn that count for nothing: hot mixes change. */
const SETTLING = 1.5;

/** Measures at `perSecond`; the counts take turns in a drawn order. */
export async function measureMixes(
  lab: HttpLab,
  texts: readonly LabText[],
  { perSecond, seconds, rounds }: { readonly perSecond: number; readonly seconds: number; readonly rounds: number },
): Promise<MixesFigures> {
  const random = createRandom(0, 'mixes');
  const times = new Map(COUNTS.map((count) => [count, new Array<number>()]));
  const mixes = new Map(COUNTS.map((count) => [count, distinctMixes(lab.experts, count, random)]));
  const order = [...COUNTS];
  for (let round = 0; round < rounds; round++) {
    for (const count of random.shuffle(order)) {
      console.error(`— ${count} distinct mixes, round ${round + 1} of ${rounds}`);
      const wanted = Math.ceil(perSecond * (seconds + SETTLING) * 1.2);
      const bodies = lab.bodies(wanted, texts, mixes.get(count) ?? [], random);
      const { answers } = await lab.load({ bodies, seconds: seconds + SETTLING, arrivals: { perSecond }, seed: round });
      const own = times.get(count);
      for (const { dueMs, doneMs, status } of answers) {
        if (status !== 200) throw new Error(`distinct mixes: expected answers, got status ${status}`);
        if (dueMs >= 1000 * SETTLING) own?.push(doneMs - dueMs);
      }
    }
  }
  const points = [...times].map(([count, own]): MixesPoint => {
    const [p50, p95] = estimateQuantiles(own, [0.5, 0.95], random);
    return { mixes: count, requests: own.length, p50, p95 };
  });
  const worstByBest = (groups: readonly (readonly number[])[]): number => {
    const p95s = groups.map((own) => quantile(Float64Array.from(own).sort(), 0.95));
    return Math.max(...p95s) / Math.min(...p95s);
  };
  return { perSecond, points, worstByBest: estimateStatistic([...times.values()], worstByBest, random) };
}

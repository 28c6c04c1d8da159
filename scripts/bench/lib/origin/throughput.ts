// Throughput of the lab's subjects, which take turns round by round, and their ratios within rounds.

import { createRandom, type Random } from '../../../../src/core/random.ts';
import { estimateStatistic, median, type Estimate } from '../statistics.ts';
import type { LoopFigures } from './closed-loop.ts';
import { withLab, type LabOptions } from './lab.ts';
import { drawRows, type LabText } from './texts.ts';

/** What a subject did. */
export interface SubjectFigures {
  readonly key: string;
  readonly name: string;
  readonly target?: number;
  readonly limit?: number;
  readonly rowsPerSecond: number;
  readonly rowsPerRun: number;
  /** Median over rounds of the plain model's time by this one's. */
  readonly ofPlain: Estimate;
}

/** One subject over another. */
export interface RatioFigures {
  readonly name: string;
  readonly target?: number;
  readonly ratio: Estimate;
}

/** What was measured. */
export interface ThroughputFigures {
  readonly rounds: number;
  readonly rows: number;
  readonly meanTokens: number;
  readonly subjects: readonly SubjectFigures[];
  readonly ratios: readonly RatioFigures[];
}

/** How much is measured. */
export interface ThroughputOptions extends LabOptions {
  /** At most; fewer where they would take too long, but never less than two. */
  readonly rounds: number;
  readonly minutes: number;
  readonly rows: number;
  readonly texts: readonly LabText[];
}

/** Whole rounds before anything counts: mixes get their places, prices are learnt. */
const WARM_UP_ROUNDS = 1;
const LEAST_ROUNDS = 2;

/** Throughput of one subject over that of another, by their keys. */
const RATIOS: readonly (readonly [name: string, key: string, by: string, target?: number])[] = [
  ['Every request another expert, over PEFT’s mixed batches', 'top-1', 'peft', 1.4],
  ['The same with weights of each expert’s own, over eight sessions one at a time', 'top-1-promoted', 'sessions-in-turn', 1],
  ['The smallest pack, every request another expert, over PEFT’s mixed batches', 'smallest-top-1', 'peft', 1.4],
  ['Every request another expert, over eight sessions side by side as they come', 'top-1', 'sessions-spinning', 1],
  ['Every request another expert, over eight sessions that do not spin', 'top-1', 'sessions-waiting', 1],
  ['Every request another expert, over eight sessions of one thread side by side', 'top-1', 'sessions-single', 1],
  ['Every request another expert, over eight sessions one at a time', 'top-1', 'sessions-in-turn', 1],
  ['Every request another expert, over the same model as the origin runs it', 'top-1', 'one-mix'],
  ['100 experts of rank 6 over 8 of them, uniform', 'random-100-6', 'random-8-6'],
  ['100 experts of rank 16 over 8 of them, uniform', 'random-100-16', 'random-8-16'],
  ['PEFT’s mixed batches over the base alone in torch', 'peft', 'torch'],
];

/** Measures. Cost: rounds × subjects × some seconds */
export function measureThroughput({
  rounds: most,
  minutes,
  rows: count,
  texts,
  ...options
}: ThroughputOptions): Promise<ThroughputFigures> {
  return withLab(options, async ({ subjects, tokenizer }) => {
    const done = new Map(subjects.map(({ key }) => [key, new Array<LoopFigures>()]));
    const random = createRandom(0, 'throughput');
    const order = [...subjects];
    let tokens = 0;
    let rounds = 0;
    const untilMs = performance.now() + 60_000 * minutes;
    for (let round = -WARM_UP_ROUNDS; round < most && (round < LEAST_ROUNDS || performance.now() < untilMs); round++) {
      console.error(`— round ${round + 1} of ${most}`);
      const rows = drawRows(texts, count, tokenizer, random);
      if (round >= 0) tokens += rows.reduce((sum, { ids }) => sum + ids.length, 0);
      for (const subject of random.shuffle(order)) {
        const figures = await subject.measure(rows, round);
        console.error(`${subject.key}: ${figures.ms.toFixed(0)} ms, ${figures.rowsPerRun.toFixed(1)} rows a run`);
        if (round >= 0) done.get(subject.key)?.push(figures);
      }
      if (round >= 0) rounds += 1;
    }
    const times = (key: string): readonly number[] => (done.get(key) ?? []).map(({ ms }) => ms);
    return {
      rounds,
      rows: count,
      meanTokens: tokens / (rounds * count),
      subjects: subjects.map(({ measure: _measure, ...subject }): SubjectFigures => {
        const { key } = subject;
        const own = done.get(key) ?? [];
        return {
          ...subject,
          rowsPerSecond: (1000 * count) / median(times(key)),
          rowsPerRun: own.reduce((sum, { rowsPerRun }) => sum + rowsPerRun, 0) / own.length,
          ofPlain: medianRatio(times('plain'), times(key), random),
        };
      }),
      ratios: RATIOS.flatMap(([name, key, by, target]): RatioFigures[] =>
        done.has(key) && done.has(by)
          ? [{ name, ...(target !== undefined && { target }), ratio: medianRatio(times(by), times(key), random) }]
          : [],
      ),
    };
  });
}

/** Median over rounds of `a` by `b`; rounds are drawn whole. */
function medianRatio(a: readonly number[], b: readonly number[], random: Random): Estimate {
  return estimateStatistic([a.map((ms, round) => ms / b[round])], ([ratios]) => median(ratios), random);
}

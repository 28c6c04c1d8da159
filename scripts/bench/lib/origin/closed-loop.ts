// Rows through the origin's own batcher, so many in flight all the time: what a way to serve can do at most.

import { createBatcher, type Batcher } from '../../../../src/origin/batcher.ts';
import { systemClock } from '../../../../src/origin/clock.ts';

/** Rows of a run at most, as origins have it unless told otherwise. */
const MAX_BATCH = 32;
/** Share of the rows in flight that is answered before the clock starts. */
const BEFORE = 0.75;

/** Something that runs batches. */
export interface Runner<R> {
  /** Runs side by side; one where it is left out. */
  readonly instances?: number | undefined;
  run(rows: readonly R[], instance: number): Promise<unknown>;
  choose?(waiting: readonly R[], maxRows: number, instance: number): readonly number[];
}

/** What a loop did. */
export interface LoopFigures {
  /** Milliseconds of all counted rows. */
  readonly ms: number;
  readonly rowsPerRun: number;
}

/**
 * Keeps `inFlight` rows in flight and times the answers to as many rows as there are. The clock starts when most of the first queue is answered, and rows
 * go on coming until it stops: a queue that fills or runs dry would be another question, and one that is still choosy would flatter whoever chooses.
 * @param runners each behind a batcher of its own
 * @param runnerOf which of them a row goes to
 */
export async function closedLoop<R>(
  runners: readonly Runner<R>[],
  rows: readonly R[],
  inFlight: number,
  runnerOf: (row: R) => number = () => 0,
): Promise<LoopFigures> {
  let runs = 0;
  let ran = 0;
  const batchers = runners.map((runner): Batcher<R, null> =>
    createBatcher<R, null>({
      instances: runner.instances,
      async run(batch, instance) {
        runs += 1;
        ran += batch.length;
        await runner.run(batch, instance);
        return batch.map(() => null);
      },
      choose: runner.choose?.bind(runner),
      clock: systemClock,
      maxBatch: MAX_BATCH,
      maxDelayMs: 2,
      maxQueue: 4096,
    }),
  );
  const before = Math.floor(inFlight * BEFORE);
  const until = before + rows.length;
  let startMs = performance.now();
  let ms = 0;
  let sent = 0;
  let answered = 0;
  const client = async (): Promise<void> => {
    while (answered < until) {
      const row = rows[sent++ % rows.length];
      await batchers[runnerOf(row)].submit([row]);
      answered += 1;
      if (answered === before) startMs = performance.now();
      if (answered === until) ms = performance.now() - startMs;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  await Promise.all(batchers.map((batcher) => batcher.close()));
  return { ms, rowsPerRun: ran / runs };
}

// Dynamic batching with a latency bound. Rows of all requests wait in one queue; a batch closes when as many wait as fill one, or when the oldest row
// has waited long enough and an instance is free. One run at a time on each: while it lasts, rows gather for the next one, and whoever knows what runs
// cost may choose among them.
//
// A request (a job here) is admitted whole and answered whole: its first failed row fails it, and its rows still queued are taken out.

import { TwinrouteError } from '../core/errors.ts';
import type { Clock } from './clock.ts';
import { retryAfter } from './retry-after.ts';

/** Limits of a batcher. */
export interface BatcherLimits {
  /** Rows of one run. */
  readonly maxBatch: number;
  /** How long the oldest row waits for company while an instance is free. */
  readonly maxDelayMs: number;
  /** Rows that may wait; a request that does not fit is refused. */
  readonly maxQueue: number;
}

/** What a batcher needs. */
export interface BatcherOptions<R, O> extends BatcherLimits {
  /** Instances of the model, each of which has one run at a time; 1 where it is left out. */
  readonly instances?: number | undefined;
  /** One output per row, in order. Never called while a call for the same instance is pending. */
  readonly run: (rows: readonly R[], instance: number) => Promise<readonly O[]>;
  /** Indices of the waiting rows that an instance runs next, at least one and at most `maxRows`; the first ones where it is left out. Nobody may be passed over for ever. */
  readonly choose?: ((waiting: readonly R[], maxRows: number, instance: number) => readonly number[]) | undefined;
  readonly clock: Clock;
}

/** Bounds of one request. */
export interface SubmitOptions {
  /** Time of `clock` after which no answer is wanted. */
  readonly deadline?: number;
  /** Aborts when the caller has gone. */
  readonly signal?: AbortSignal;
}

/** Outputs of one request. */
export interface BatchAnswer<O> {
  /** In the order of the rows. */
  readonly outputs: readonly O[];
  /** From the submission to the first run that held a row of it. */
  readonly queueMs: number;
  /** From there to the last output. */
  readonly computeMs: number;
}

/** A queue in front of a model. */
export interface Batcher<R, O> {
  /**
   * Runs the rows, in one or more batches.
   * @throws {TwinrouteError} `overloaded` when the queue is full, `unavailable` after `close`, `timeout` when the deadline passed or the
   * caller left, else what the run threw
   */
  submit(rows: readonly R[], options?: SubmitOptions): Promise<BatchAnswer<O>>;
  /** Requests of which rows wait for a run. Cost: O(queue) */
  waiting(): number;
  /** Refuses new rows, fails the waiting ones with `unavailable`, and resolves when the pending run has ended. */
  close(): Promise<void>;
}

interface Job<O> {
  /** By index of the row, in whatever order they come. */
  readonly outputs: O[];
  readonly submittedAt: number;
  readonly deadline: number;
  /** Outputs still missing. */
  missing: number;
  startedAt: number | undefined;
  settled: boolean;
  /** Lets go of the deadline's timer and the abort signal. */
  readonly release: () => void;
  readonly resolve: (answer: BatchAnswer<O>) => void;
  readonly reject: (error: unknown) => void;
}

interface Entry<R, O> {
  readonly job: Job<O>;
  readonly index: number;
  readonly row: R;
}

/** Weight of the newest run in the measured service rate. */
const RATE_SMOOTHING = 0.2;

/**
 * A batcher over `run`.
 * Cost: O(rows) a submission and O(queue) a cancelled request.
 */
export function createBatcher<R, O>(options: BatcherOptions<R, O>): Batcher<R, O> {
  const { run, choose, clock, maxBatch, maxDelayMs, maxQueue, instances = 1 } = options;
  let queue: Entry<R, O>[] = [];
  /** By instance. */
  const running = Array.from({ length: instances }, (): Promise<void> | undefined => undefined);
  let closed = false;
  let rowsPerSecond: number | undefined;
  let cancelTimer = (): void => {};

  const settle = (job: Job<O>, outcome: () => void): void => {
    if (job.settled) return;
    job.settled = true;
    job.release();
    outcome();
  };
  const fail = (job: Job<O>, error: unknown): void => settle(job, () => job.reject(error));
  const isLive = ({ job }: Entry<R, O>): boolean => {
    if (job.deadline <= clock.now()) fail(job, pastDeadline());
    return !job.settled;
  };

  /** Starts a batch on each free instance if one is due, else sets the timer for when one will be. */
  const pump = (): void => {
    cancelTimer();
    const free = [...running.keys()].filter((instance) => running[instance] === undefined);
    if (free.length > 0) queue = queue.filter(isLive);
    for (const instance of free) {
      if (queue.length === 0) return;
      const restMs = maxDelayMs - (clock.now() - queue[0].job.submittedAt);
      if (queue.length < maxBatch && restMs > 0) {
        cancelTimer = clock.after(restMs, pump);
        return;
      }
      running[instance] = runBatch(takeNext(instance), instance);
    }
  };

  const takeNext = (instance: number): readonly Entry<R, O>[] => {
    if (choose === undefined) return queue.splice(0, maxBatch);
    const chosen = new Set(
      choose(
        queue.map(({ row }) => row),
        maxBatch,
        instance,
      ),
    );
    const taken = queue.filter((_, i) => chosen.has(i));
    queue = queue.filter((_, i) => !chosen.has(i));
    return taken;
  };

  const runBatch = async (entries: readonly Entry<R, O>[], instance: number): Promise<void> => {
    try {
      await runOnce(entries, instance);
    } catch (error) {
      if (entries.length === 1) fail(entries[0].job, error);
      else await runAlone(entries, instance);
    }
    running[instance] = undefined;
    pump();
  };

  /** After a batch failed: each row by itself, so that a poisonous row takes down only its own request. */
  const runAlone = async (entries: readonly Entry<R, O>[], instance: number): Promise<void> => {
    for (const entry of entries) {
      if (!isLive(entry)) continue;
      try {
        await runOnce([entry], instance);
      } catch (error) {
        fail(entry.job, error);
      }
    }
  };

  const runOnce = async (entries: readonly Entry<R, O>[], instance: number): Promise<void> => {
    const start = clock.now();
    for (const { job } of entries) job.startedAt ??= start;
    const outputs = await run(
      entries.map(({ row }) => row),
      instance,
    );
    if (outputs.length !== entries.length)
      throw new TwinrouteError('internal', `batcher: expected ${entries.length} outputs, got ${outputs.length}`);
    const end = clock.now();
    const rate = (1000 * instances * entries.length) / Math.max(end - start, 0.001);
    rowsPerSecond = rowsPerSecond === undefined ? rate : rowsPerSecond + RATE_SMOOTHING * (rate - rowsPerSecond);
    for (const [i, { job, index }] of entries.entries()) {
      job.outputs[index] = outputs[i];
      job.missing -= 1;
      if (job.missing > 0) continue;
      const startedAt = job.startedAt ?? start;
      settle(job, () => job.resolve({ outputs: job.outputs, queueMs: startedAt - job.submittedAt, computeMs: end - startedAt }));
    }
  };

  const retryAfterSeconds = (): number => (rowsPerSecond === undefined ? 1 : retryAfter(queue.length / rowsPerSecond));

  return {
    async submit(rows, { deadline = Infinity, signal } = {}) {
      if (closed) throw new TwinrouteError('unavailable', 'batcher: the server is stopping', { retryAfterSeconds: 1 });
      if (queue.length + rows.length > maxQueue) {
        throw new TwinrouteError(
          'overloaded',
          `batcher: expected at most ${maxQueue} waiting rows, got ${queue.length} and ${rows.length} more`,
          {
            retryAfterSeconds: retryAfterSeconds(),
          },
        );
      }
      const submittedAt = clock.now();
      if (rows.length === 0) return { outputs: [], queueMs: 0, computeMs: 0 };
      return new Promise((resolve, reject) => {
        const cancel = (): void => {
          fail(job, signal?.aborted === true ? new TwinrouteError('timeout', 'batcher: the caller left') : pastDeadline());
          queue = queue.filter((entry) => entry.job !== job);
        };
        const cancelDeadline = deadline === Infinity ? (): void => {} : clock.after(Math.max(deadline - submittedAt, 0), cancel);
        const release = (): void => {
          cancelDeadline();
          signal?.removeEventListener('abort', cancel);
        };
        const job: Job<O> = {
          outputs: [],
          submittedAt,
          deadline,
          missing: rows.length,
          startedAt: undefined,
          settled: false,
          release,
          resolve,
          reject,
        };
        signal?.addEventListener('abort', cancel, { once: true });
        if (signal?.aborted === true) cancel();
        else queue.push(...rows.map((row, index) => ({ job, index, row })));
        pump();
      });
    },
    waiting: () => new Set(queue.map(({ job }) => job)).size,
    async close() {
      closed = true;
      for (const { job } of queue)
        fail(job, new TwinrouteError('unavailable', 'batcher: the server is stopping', { retryAfterSeconds: 1 }));
      queue = [];
      cancelTimer();
      await Promise.all(running.filter((run) => run !== undefined));
    },
  };
}

function pastDeadline(): TwinrouteError {
  return new TwinrouteError('timeout', 'batcher: the deadline passed before the answer was ready');
}

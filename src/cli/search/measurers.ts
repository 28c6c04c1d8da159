// Who measures configs: this process, one at a time, or worker processes side by side. tfjs has one backend in a process and onnxruntime
// blocks its thread, so that only processes run truly in parallel.

import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES, TwinrouteError, type ErrorCode } from '../../core/errors.ts';
import type { Measurement } from '../../contract/search-config.ts';
import type { Evaluator, EvaluatorSetup } from './evaluator.ts';
import type { WorkerReply, WorkerRequest } from './worker.ts';

/** Measures configs. */
export interface Measurer {
  /** How many configs it measures at a time. */
  readonly jobs: number;
  measure(values: readonly number[], rows: number | undefined): Promise<Measurement>;
  close(): Promise<void>;
}

/** Measures in this process. */
export function measureHere(evaluator: Evaluator): Measurer {
  let last: Promise<unknown> = Promise.resolve();
  return {
    jobs: 1,
    measure(values, rows) {
      const next = last.then(() => evaluator.measure(values, rows));
      last = next.catch(() => undefined);
      return next;
    },
    close: () => evaluator.close(),
  };
}

/** Measures in `jobs` worker processes. */
export function measureInWorkers(jobs: number, setup: EvaluatorSetup): Measurer {
  const workers = Array.from({ length: jobs }, () => startWorker(setup));
  const idle = [...workers];
  const waiting: ((worker: Worker) => void)[] = [];
  const take = (): Promise<Worker> => {
    const worker = idle.pop();
    return worker === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(worker);
  };
  const giveBack = (worker: Worker): void => {
    const next = waiting.shift();
    if (next === undefined) idle.push(worker);
    else next(worker);
  };
  return {
    jobs,
    async measure(values, rows) {
      const worker = await take();
      try {
        return await worker.measure(values, rows);
      } finally {
        giveBack(worker);
      }
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

interface Worker {
  measure(values: readonly number[], rows: number | undefined): Promise<Measurement>;
  close(): Promise<void>;
}

function startWorker(setup: EvaluatorSetup): Worker {
  // Beside this file, which is TypeScript in a clone and JavaScript in the package.
  const file = fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url));
  const child: ChildProcess = fork(file, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const send = (request: WorkerRequest): void => void (child.connected && child.send(request));
  send({ kind: 'open', setup });
  return {
    measure(values, rows) {
      return new Promise((resolve, reject) => {
        const done = (): void => {
          child.off('message', onReply);
          child.off('exit', onExit);
        };
        const onReply = (reply: WorkerReply): void => {
          done();
          if ('measurement' in reply) resolve(reply.measurement);
          else reject(new TwinrouteError(isCode(reply.code) ? reply.code : 'internal', reply.message));
        };
        const onExit = (): void => {
          done();
          reject(
            new TwinrouteError(
              'unavailable',
              `search: expected a worker that measures, got one that ended (code ${child.exitCode ?? child.signalCode}); is there enough memory for ${setup.search.file} so many times?`,
            ),
          );
        };
        child.on('message', onReply);
        child.on('exit', onExit);
        if (child.exitCode !== null || !child.connected) onExit();
        else send({ kind: 'measure', values, rows });
      });
    },
    async close() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}

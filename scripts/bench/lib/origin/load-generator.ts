// Requests to an origin over real HTTP, from a process of its own: forked, it takes one task and answers with what every request met.

import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../../../../src/core/random.ts';
import { cpuSeconds } from '../child-server.ts';

/** What is sent. */
export interface LoadTask {
  readonly url: string;
  /** Bodies of requests, one after another, and again from the first. */
  readonly bodies: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly seconds: number;
  /** So many clients, each of which waits for its answer; or requests at random times, so many a second on average, whatever the answers do. */
  readonly arrivals: { readonly clients: number } | { readonly perSecond: number };
  readonly seed: number;
}

/** One request. */
export interface LoadAnswer {
  /** Milliseconds from the start of the load to when it was due, and to its answer. */
  readonly dueMs: number;
  readonly doneMs: number;
  /** 0 when the connection failed. */
  readonly status: number;
  /** Whether the answer said when to come again. */
  readonly hasRetryAfter: boolean;
}

/** What the task gave. */
export interface LoadResult {
  readonly answers: readonly LoadAnswer[];
  /** Of this process, for all requests. */
  readonly cpuMs: number;
}

async function load({ url, bodies, headers, seconds, arrivals, seed }: LoadTask): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const target = new URL(url);
  const startMs = performance.now();
  const cpu = cpuSeconds(process.pid);
  const since = (): number => performance.now() - startMs;
  let sent = 0;
  const answers: LoadAnswer[] = [];
  const send = (dueMs: number): Promise<void> =>
    new Promise((resolve) => {
      const body = bodies[sent++ % bodies.length];
      const done = (status: number, hasRetryAfter: boolean): void => {
        answers.push({ dueMs, doneMs: since(), status, hasRetryAfter });
        resolve();
      };
      const outgoing = request(
        target,
        { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers } },
        (incoming) => {
          incoming.resume();
          incoming.on('error', () => done(0, false));
          incoming.on('end', () => done(incoming.statusCode ?? 0, incoming.headers['retry-after'] !== undefined));
        },
      );
      outgoing.on('error', () => done(0, false));
      outgoing.end(body);
    });
  if ('clients' in arrivals) {
    const client = async (): Promise<void> => {
      while (since() < 1000 * seconds) await send(since());
    };
    await Promise.all(Array.from({ length: arrivals.clients }, client));
  } else {
    const random = createRandom(seed, 'arrivals');
    const open: Promise<void>[] = [];
    for (let at = 0; at < 1000 * seconds; at += (-1000 / arrivals.perSecond) * Math.log(1 - random.uniform())) {
      if (at > since()) await sleep(at - since());
      open.push(send(at));
    }
    await Promise.all(open);
  }
  agent.destroy();
  return { answers, cpuMs: 1000 * (cpuSeconds(process.pid) - cpu) };
}

process.once('message', (task: LoadTask) => {
  void load(task).then((result) => process.send?.(result, () => process.exit(0)));
});

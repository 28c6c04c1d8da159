// A real HTTP hop before an origin that misbehaves on request: slow, failing, hanging.

import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the hop does to requests. */
export interface Fault {
  /** Added before the request is passed on. */
  readonly delayMs?: number;
  /** Share of requests that are answered with 500 instead. */
  readonly failing?: number;
  /** Those take as long as a good answer would. */
  readonly failLate?: boolean;
  /** Accepts requests and never answers. */
  readonly hang?: boolean;
  /** Refuses connections. */
  readonly dead?: boolean;
}

/** A running hop. */
export interface FaultyProxy {
  readonly url: string;
  /** Requests that came in. */
  received(): number;
  set(fault: Fault): Promise<void>;
  close(): void;
}

/** Starts a hop before `target`, which does nothing at first. @param uniform numbers in [0, 1) */
export async function startFaultyProxy(target: string, uniform: () => number): Promise<FaultyProxy> {
  const agent = new Agent({ keepAlive: true });
  let fault: Fault = {};
  let received = 0;
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    received += 1;
    const { delayMs = 0, failing = 0, failLate = false, hang = false } = fault;
    if (hang) return;
    if (delayMs > 0) await sleep(delayMs);
    const fails = uniform() < failing;
    if (fails && !failLate) {
      outgoing.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"injected"}');
      return;
    }
    // The Host header stays: what was signed for this hop's address is verified behind it.
    const { method, url, headers } = incoming;
    const onward = request(new URL(url ?? '/', target), { method, headers, agent }, (answer) => {
      outgoing.writeHead(fails ? 500 : (answer.statusCode ?? 502), fails ? {} : answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  };
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    received: () => received,
    async set(next) {
      received = 0;
      fault = next;
      if (next.dead !== true) return;
      const closed = once(server, 'close');
      stop();
      await closed;
    },
    close() {
      stop();
      agent.destroy();
    },
  };
}

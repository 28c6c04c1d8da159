// An HTTP client that times requests one after another over a single connection that stays open.

import { Agent, request } from 'node:http';

/** An answer and how long it took from the first byte sent to the last one received. */
export interface TimedAnswer {
  readonly status: number;
  readonly milliseconds: number;
  readonly body: string;
}

/** The client. */
export interface OneConnection {
  /** @param headers beside content type and length */
  post(path: string, body: string, headers?: Readonly<Record<string, string>>): Promise<TimedAnswer>;
  /** Connections that were opened so far; 1 when it was kept alive throughout. */
  opened(): number;
  close(): void;
}

/** A client of the server at `url`. */
export function oneConnection(url: string): OneConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<unknown>();
  return {
    post: (path, body, more = {}) =>
      new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...more };
        const startedAt = performance.now();
        const outgoing = request(new URL(path, url), { method: 'POST', agent, headers }, (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () => {
            const milliseconds = performance.now() - startedAt;
            resolve({ status: incoming.statusCode ?? 0, milliseconds, body: Buffer.concat(chunks).toString() });
          });
        });
        outgoing.on('socket', (socket) => sockets.add(socket));
        outgoing.on('error', reject);
        outgoing.end(body);
      }),
    opened: () => sockets.size,
    close: () => agent.destroy(),
  };
}

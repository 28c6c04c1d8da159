// A scripted edge on loopback.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A request as it arrived. */
export interface Arrived {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers the n-th request, from 0. */
export type Script = (response: ServerResponse, arrived: Arrived, n: number) => void;

/** The server; `arrived` grows as requests come. */
export async function startScripted(script: Script) {
  const arrived: Arrived[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const one = { method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() };
      script(response, one, arrived.push(one) - 1);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    arrived,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

/** Sends JSON. */
export function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'r-1', ...headers }).end(JSON.stringify(body));
}

/** Sends an error of the interface. */
export function refuse(response: ServerResponse, status: number, error: object, headers: Record<string, string> = {}): void {
  send(response, status, { error: { message: 'no', request_id: 'r-1', ...error } }, headers);
}

// Servers that stand for other people's engines: real sockets, and what came in.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A request as it came. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** Aborted when the caller hangs up. */
  readonly gone: AbortSignal;
}

/** What is answered; undefined keeps the caller waiting. */
export type Reply =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: string | Uint8Array; readonly json?: unknown }
  | undefined;

/** A running server. */
export interface EngineServer {
  readonly url: string;
  readonly received: Received[];
  close(): Promise<void>;
}

/** Serves on loopback. */
export async function serveEngine(handle: (request: Received) => Reply | Promise<Reply>): Promise<EngineServer> {
  const received: Received[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(Buffer.from(part));
    const { method = '', url = '', headers } = request;
    const got: Received = { method, path: url, headers, body: Buffer.concat(parts), gone: gone.signal };
    received.push(got);
    const reply = await handle(got);
    if (reply === undefined) return;
    const body = reply.json === undefined ? (reply.body ?? '') : JSON.stringify(reply.json);
    const type = reply.json === undefined ? {} : { 'content-type': 'application/json' };
    response.writeHead(reply.status ?? 200, { ...type, ...reply.headers }).end(body);
  };
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => response.writeHead(500).end(JSON.stringify({ error: String(error) })));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    received,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

// A scripted edge on loopback.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { listen } from '../helpers/listen.ts';

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
  const server = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const one = { method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() };
      script(response, one, arrived.push(one) - 1);
    });
  });
  return { ...server, arrived };
}

/** Sends JSON. */
export function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'r-1', ...headers }).end(JSON.stringify(body));
}

/** Sends an error of the interface. */
export function refuse(response: ServerResponse, status: number, error: object, headers: Record<string, string> = {}): void {
  send(response, status, { error: { message: 'no', request_id: 'r-1', ...error } }, headers);
}

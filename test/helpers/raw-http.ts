// HTTP/1.1 by hand over a socket, for what no well-behaved client sends.

import { connect, type Socket } from 'node:net';

/** A connection to a server. */
export interface RawConnection {
  readonly socket: Socket;
  send(text: string | Uint8Array): void;
  /** All that came until the server closed; or, with a pattern, until it matches. */
  received(pattern?: RegExp): Promise<string>;
}

/** Connects to the server of a URL. */
export function connectRaw(url: string): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let text = '';
  let closed = false;
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    tell();
  });
  // A server that cuts the connection is an outcome like any other.
  socket
    .on('error', () => undefined)
    .on('close', () => {
      closed = true;
      tell();
    });
  return {
    socket,
    send: (sent) => void socket.write(sent),
    received: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!closed && pattern?.test(text) !== true) return;
          listeners.delete(look);
          resolve(text);
        };
        listeners.add(look);
        look();
      }),
  };
}

/** The status of a raw answer; 0 where there is none. */
export function statusOf(text: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
}

// A server on a free port of loopback.

import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';

/** A listening server. */
export interface Listening {
  readonly url: string;
  /** Cuts all connections and stops. */
  close(): Promise<void>;
}

/** Starts it. */
export async function listen(handler: RequestListener): Promise<Listening> {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('expected a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

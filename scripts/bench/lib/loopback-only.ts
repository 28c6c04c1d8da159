// Preloaded (`node --import`) into a server that cannot be told its address: it listens on loopback only.

import { Server } from 'node:net';

const { listen } = Server.prototype;
Object.assign(Server.prototype, {
  listen(this: Server, port: unknown, ...rest: readonly unknown[]) {
    const callback = rest.find((value) => typeof value === 'function');
    return Reflect.apply(listen, this, [{ port: Number(port), host: '127.0.0.1' }, ...(callback === undefined ? [] : [callback])]);
  },
});

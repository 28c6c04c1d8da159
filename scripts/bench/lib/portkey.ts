// The peer: Portkey's gateway from npm, started by its own command for Node.

import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startChildServer, type ChildServer } from './child-server.ts';

/** The version that is measured. */
export const PORTKEY = '@portkey-ai/gateway@1.15.2';

/**
 * Installs it into `folder` and starts it; undefined, with a word on stderr, where it cannot be had.
 * @param folder an empty one
 */
export async function startPortkey(folder: string): Promise<ChildServer | undefined> {
  const flags = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--no-save', '--ignore-scripts'];
  const { status, stderr } = spawnSync('npm', [...flags, PORTKEY], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) {
    console.error(`bench: ${PORTKEY} could not be installed, so there is no peer: ${stderr.slice(-300)}`);
    return undefined;
  }
  const port = await freePort();
  const program = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  const args = ['--import', join(import.meta.dirname, 'loopback-only.ts'), program, `--port=${port}`, '--headless'];
  const env = { ...process.env, NODE_ENV: 'production' };
  return { ...(await startChildServer(args, env, /Ready for connections/)), url: `http://127.0.0.1:${port}` };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

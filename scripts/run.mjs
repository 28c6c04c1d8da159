// Runs one TypeScript entry with the Node that the project pins, installing what is missing first. Plain JavaScript, because this is
// the one file that the system's own Node (20 or later) has to understand.
//
//   node scripts/run.mjs ENTRY.ts [ARG …]      ENTRY relative to the project; the working directory stays the caller's

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const node = join(bin, process.platform === 'win32' ? 'node.exe' : 'node');
const env = {
  ...process.env,
  PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
  ONNXRUNTIME_NODE_INSTALL: process.env.ONNXRUNTIME_NODE_INSTALL ?? 'skip',
};

if (!installed()) {
  console.error('twinroute: installing dependencies (once) …');
  // `npm install`, not `npm ci`: a lock made on one platform lacks the optional native bindings of the others.
  const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    env,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0 || !existsSync(node)) {
    console.error('twinroute: npm install failed; its messages stand above');
    process.exit(1);
  }
}

const [entry, ...args] = process.argv.slice(2);
const child = spawn(node, ['--disable-warning=ExperimentalWarning', resolve(root, entry), ...args], { env, stdio: 'inherit' });
// A terminal sends SIGINT to the child as well; the child decides how to end, and this process ends with it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('error', (error) => {
  console.error(`twinroute: ${error.message}`);
  process.exit(1);
});
child.on('exit', (code) => process.exit(code ?? 1));

/** Whether node_modules was installed after the lock last changed. */
function installed() {
  const stamp = join(root, 'node_modules', '.package-lock.json');
  return existsSync(node) && existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

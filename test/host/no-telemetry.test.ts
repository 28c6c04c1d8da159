// Sessions leave nothing behind at home and tell nobody: onnxruntime's telemetry would make a folder before it sends.

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGraph } from '../../src/formats/onnx/graph.ts';

const run = promisify(execFile);
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'twinroute-home-'));
  const graph = createGraph('double');
  const a = graph.input('a', 'float32', [1]);
  graph.output('y', graph.node('Add', [a, a]), 'float32', [1]);
  await writeFile(join(home, 'model.onnx'), graph.encode());
});

afterAll(() => rm(home, { recursive: true, force: true }));

/** Makes a session in a fresh process whose home is `home`. It inherits nothing: in a CI (`CI=1` and others) the library sends nothing of itself. */
async function inProcess(create: string): Promise<readonly string[]> {
  const code = `(async () => {
const model = await require('node:fs/promises').readFile(process.env.HOME + '/model.onnx');
${create}
})();`;
  const args = ['--disable-warning=ExperimentalWarning', '--eval', code];
  await run(process.execPath, args, { env: { HOME: home, XDG_CACHE_HOME: join(home, '.cache') } });
  return (await readdir(home)).sort();
}

test('a session of this thread', async () => {
  const files = await inProcess(`const { createNodeSession } = await import('./src/host/ort-session.ts');
await (await createNodeSession(model)).release();`);
  expect(files).toEqual(['model.onnx']);
});

test('a session on a thread of its own', async () => {
  const files = await inProcess(`const { startSessionThread } = await import('./src/host/session-thread.ts');
const thread = startSessionThread();
await thread.create(model);
await thread.close();`);
  expect(files).toEqual(['model.onnx']);
});

test('onnxruntime alone would leave a folder: the tests above can fail', async () => {
  const files = await inProcess(`const { InferenceSession } = await import('onnxruntime-node');
await (await InferenceSession.create(model)).release();`);
  expect(files).toContain('.cache');
});

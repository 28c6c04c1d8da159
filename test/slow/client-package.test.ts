// `twinroute/client` as somebody else gets it: packed, put into another project, type-checked there under strict rules, run by Node, and bundled.

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { send, startScripted } from '../client/server.ts';

const run = promisify(execFile);
const BIN = join(PACKAGE_ROOT, 'node_modules/.bin');

const CONSUMER = `import { ApiError, createClient, type Prediction } from 'twinroute/client';

const client = createClient({ url: process.argv[2] ?? '', key: 'k' });
const answer: Prediction = await client.predict({ text: 'hello', mix: { sst2: 1 } });
const label: string | null = answer.label;
for await (const line of client.predictStream([{ text: 'a' }])) if ('prediction' in line) console.log(line.index, line.prediction.task);
const refused = await client.usage().catch((error: unknown) => (error instanceof ApiError ? error.status : 0));
console.log(label, refused);
// @ts-expect-error: there is no such field
void (() => client.predict({ txt: 'hello' }));
// @ts-expect-error: outcomes are numbers or booleans
void (() => client.feedback({ request_id: 'r', outcome: 'good' }));
`;

let work: string;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'twinroute-consumer-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', work], { cwd: PACKAGE_ROOT, maxBuffer: 1 << 26 });
  const [{ filename }] = z.parse(z.array(z.object({ filename: z.string() })), JSON.parse(stdout.slice(stdout.indexOf('['))));
  const modules = join(work, 'node_modules');
  await mkdir(modules);
  await run('tar', ['-xzf', join(work, filename), '-C', work]);
  await cp(join(work, 'package'), join(modules, 'twinroute'), { recursive: true });
  // Of what npm would install beside it, types need this one.
  await symlink(join(PACKAGE_ROOT, 'node_modules/zod'), join(modules, 'zod'));
  await symlink(join(PACKAGE_ROOT, 'node_modules/@types'), join(modules, '@types'));
  await symlink(join(PACKAGE_ROOT, 'node_modules/undici-types'), join(modules, 'undici-types'));
  await writeFile(join(work, 'package.json'), '{ "type": "module" }');
  await writeFile(join(work, 'consumer.ts'), CONSUMER);
});

afterAll(() => rm(work, { recursive: true, force: true }));

test.each(['nodenext', 'bundler'])('its types hold under strict rules, with %s resolution', async (resolution) => {
  const module = resolution === 'bundler' ? 'esnext' : 'nodenext';
  const options = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--target', 'es2024', '--lib', 'es2024,dom,dom.asynciterable'];
  const args = [...options, '--module', module, '--moduleResolution', resolution, '--types', 'node', 'consumer.ts'];
  await expect(run(join(BIN, 'tsc'), args, { cwd: work })).resolves.toMatchObject({ stdout: '' });
});

test('it runs, without anything else at run time', async () => {
  await rm(join(work, 'node_modules/zod'));
  const server = await startScripted((response, { path, headers }) => {
    if (path === '/v1/usage') return send(response, 403, { error: { code: 'forbidden', message: 'no', request_id: 'r' } });
    if (headers.accept !== 'application/x-ndjson') return send(response, 200, { task: 'sst2', label: 'positive' });
    const summary = { id: 'r', answers: 1, failures: 0, cancelled: 0, usage: { tokens: 1, configs: [], experts: [] } };
    response.end(`{"index":0,"prediction":{"task":"cola"}}\n\n${JSON.stringify({ summary })}\n`);
  });
  const { stdout } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', 'consumer.ts', server.url], { cwd: work });
  expect(stdout).toBe('0 cola\npositive 403\n');
  await server.close();
  const out = join(work, 'bundle.js');
  const entry = join(work, 'node_modules/twinroute/dist/client/index.js');
  await run(join(BIN, 'esbuild'), [entry, '--bundle', '--minify', '--format=esm', '--platform=browser', `--outfile=${out}`], { cwd: work });
  const bundle = await readFile(out);
  expect(gzipSync(bundle).length).toBeLessThan(6_000);
  expect(bundle.toString()).not.toMatch(/\bimport\b|\bprocess\b|\bBuffer\b/);
});

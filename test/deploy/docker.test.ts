// The images hold what their verbs load, and nothing that needs a daemon is needed to know it.

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { origin } from '../../src/cli/commands/origin.ts';
import { VERBS } from '../../src/cli/verbs.ts';
import { startOrigin } from '../../src/origin/index.ts';
import { importClosure } from '../helpers/import-closure.ts';
import { createFakePredictor } from '../origin/fake-predictor.ts';

const Package = z.object({ dependencies: z.record(z.string(), z.string()) });

/** The dependencies that keep-packages.mjs leaves. */
async function kept(image: string): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'twinroute-image-'));
  await cp('package.json', join(folder, 'package.json'));
  await promisify(execFile)(process.execPath, [join(process.cwd(), 'deploy/docker/keep-packages.mjs'), image], { cwd: folder });
  const text = await readFile(join(folder, 'package.json'), 'utf8');
  await rm(folder, { recursive: true });
  return parseJsonWith(Package, text, 'package.json', 'internal').dependencies;
}

/** Values of an instruction in its order. */
async function instructions(name: string): Promise<string[]> {
  const text = (await readFile('deploy/docker/Dockerfile', 'utf8')).replaceAll('\\\n', ' ');
  return text.split('\n').flatMap((line) => (line.trimStart().startsWith(`${name} `) ? [line.trim().slice(name.length + 1)] : []));
}

const argsOf = (value: string): string[] => z.parse(z.array(z.string()), JSON.parse(value));

test('the image of an origin holds exactly the packages that the program loads, at the versions of package.json', async () => {
  const { packages } = await importClosure(['src/cli/bin.ts', 'src/host/session-worker.ts', 'src/host/hash-worker.ts']);
  const dependencies = await kept('origin');
  expect(Object.keys(dependencies).sort()).toEqual(packages);
  const own = parseJsonWith(Package, await readFile('package.json', 'utf8'), 'package.json', 'internal').dependencies;
  expect(Object.entries(dependencies).filter(([name, version]) => own[name] !== version)).toEqual([]);
});

test('the image of builds has the engine beside them', async () => {
  const [forOrigins, forBuilds] = [Object.keys(await kept('origin')), Object.keys(await kept('build'))];
  expect(forBuilds.filter((name) => !forOrigins.includes(name))).toEqual(['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm']);
});

test('no file that the program loads is left out of the images', async () => {
  const { files } = await importClosure(['src/cli/bin.ts', 'src/host/session-worker.ts', 'src/host/hash-worker.ts']);
  const ignored = (await readFile('deploy/docker/Dockerfile.dockerignore', 'utf8')).split('\n').filter((line) => line.startsWith('src/'));
  expect(ignored.length).toBeGreaterThan(0);
  expect(files.filter((file) => ignored.some((folder) => file.startsWith(`${folder}/`)))).toEqual([]);
});

test('every image starts a verb with options that it has, as a user who is not root, and is told by exec, so that SIGTERM reaches it', async () => {
  const commands = (await instructions('CMD')).map(argsOf);
  expect(commands).toHaveLength(3);
  for (const [verb, ...args] of commands) {
    expect(VERBS.map(({ name }) => name)).toContain(verb);
    const options = args.filter((arg) => arg.startsWith('--') && arg !== '--help').map((arg) => arg.slice(2));
    if (verb === origin.name) expect(Object.keys(origin.options)).toEqual(expect.arrayContaining(options));
  }
  expect(new Set(await instructions('USER'))).toEqual(new Set(['1000:1000']));
  for (const entry of await instructions('ENTRYPOINT')) expect(argsOf(entry)).toEqual(['node', '/app/src/cli/bin.ts']);
});

test('the health check says what the origin says', async () => {
  const server = await startOrigin({ predictors: [createFakePredictor()], version: '0', log: () => {} });
  const checks = (await instructions('HEALTHCHECK')).map((value) => argsOf(value.slice(value.indexOf('['))));
  expect(checks).toHaveLength(2);
  const statuses = async (): Promise<unknown[]> =>
    Promise.all(
      checks.map(async ([node, flag, code]) => {
        expect([node, flag, code.includes(':8801/')]).toEqual(['node', '-e', true]);
        const run = promisify(execFile)(process.execPath, [flag, code.replace(':8801/', `:${server.port}/`)]);
        return run.then(
          () => 0,
          (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
        );
      }),
    );
  expect(await statuses()).toEqual([0, 0]);
  await server.close();
  expect(await statuses()).toEqual([1, 1]);
});

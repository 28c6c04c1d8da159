// The Jobs of deploy/kubernetes/build without a cluster: their own arguments, an index for each pod, run by real processes.

import { execFile } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { filesOf } from '../helpers/files-of.ts';
import { makeTinyInputs, type TinyInputs } from '../helpers/tiny-pack.ts';

const Job = z.object({
  spec: z.object({
    completions: z._default(z.number(), 1),
    parallelism: z._default(z.number(), 1),
    template: z.object({ spec: z.object({ containers: z.array(z.object({ args: z.array(z.string()) })) }) }),
  }),
});

let inputs: TinyInputs;

beforeAll(async () => {
  inputs = await makeTinyInputs({ rank: undefined, budget: { average_rank: 2 } });
  await cp(inputs.config, join(inputs.models.dir, 'twin.yaml'));
});

afterAll(() => inputs.models.remove());

const program = resolve('src/cli/bin.ts');

async function twinroute(...args: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], { cwd: inputs.models.dir });
}

/** Runs a Job to its end, as many pods at a time as it allows. */
async function runJob(file: string): Promise<void> {
  const { spec } = z.parse(Job, parse(await readFile(join('deploy/kubernetes/build', file), 'utf8')));
  const waiting = Array.from({ length: spec.completions }, (_, index) => index);
  const worker = async (): Promise<void> => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift())
      for (const { args } of spec.template.spec.containers)
        await twinroute(...args.map((arg) => arg.replaceAll('$(JOB_COMPLETION_INDEX)', String(index))));
  };
  await Promise.all(Array.from({ length: spec.parallelism }, worker));
}

test('the Jobs build the pack of one machine', async () => {
  await runJob('shards.yaml');
  await runJob('join.yaml');
  await twinroute('build', 'twin.yaml', '--out', 'whole', '--engine', 'wasm');
  expect(await filesOf(join(inputs.models.dir, 'packs/mine'))).toEqual(await filesOf(join(inputs.models.dir, 'whole')));
});

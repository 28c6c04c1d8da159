// Whether deploy/kubernetes is valid: every kustomization is rendered by kubectl, and what comes out, like the plain manifests, is held against the
// schemas of Kubernetes and of the custom kinds. Exits 1 when something is invalid, 0 when kubectl or Python are not there.
//
//   node scripts/kubernetes.ts [--crds DIR]…
//
// DIR has CustomResourceDefinitions, e.g. config/crd/full of KServe's repository and config/crd/bases of KEDA's; other custom kinds are not checked.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import { parseJsonWith } from '../src/contract/parse.ts';
import { markdownTable } from './bench/lib/markdown-table.ts';
import { peerVenv } from './bench/lib/peer-venv.ts';

const ROOT = join(import.meta.dirname, '../deploy/kubernetes');
const PEER = join(import.meta.dirname, 'peers/kubernetes_manifests.py');

const Line = z.strictObject({ kind: z.string(), name: z.string(), result: z.enum(['valid', 'invalid', 'unchecked']), reason: z.string() });

const { values } = parseArgs({ options: { crds: { type: 'string', multiple: true, default: [] } } });
const venv = peerVenv('kubernetes');
if (spawnSync('kubectl', ['version', '--client']).status !== 0 || venv === undefined) {
  console.error('kubernetes: skipped, for want of kubectl or of Python with kubernetes-validate');
} else {
  const python = join(venv, 'bin/python');
  const rows = readdirSync(ROOT).flatMap((folder) =>
    manifestsOf(join(ROOT, folder)).map((text) => ({ folder, lines: check(python, text) })),
  );
  const all = rows.flatMap(({ folder, lines }) => lines.map((line) => ({ folder, ...line })));
  console.log(
    markdownTable(
      ['where', 'kind', 'name', 'result'],
      all.map(({ folder, kind, name, result, reason }) => [folder, kind, name, reason === '' ? result : `${result}: ${reason}`]),
    ),
  );
  const count = (result: string): number => all.filter((line) => line.result === result).length;
  console.log(`\n${count('valid')} valid, ${count('invalid')} invalid, ${count('unchecked')} not checked`);
  if (count('invalid') > 0 || count('valid') === 0) process.exitCode = 1;
}

/** A kustomization as it is applied, or the plain manifests of a folder; nothing of a folder of values for charts. */
function manifestsOf(folder: string): string[] {
  if (existsSync(join(folder, 'kustomization.yaml'))) return [output('kubectl', ['kustomize', folder])];
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  return texts.filter((text) => text.includes('apiVersion:'));
}

function check(python: string, text: string): z.infer<typeof Line>[] {
  const lines = output(python, [PEER, ...values.crds], text)
    .trim()
    .split('\n');
  return lines.map((line) => parseJsonWith(Line, line, 'kubernetes_manifests.py', 'internal'));
}

function output(command: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', input, maxBuffer: 1 << 26 });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

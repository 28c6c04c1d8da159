// Python environments with the programs that benches compare with, outside the checkout, made once and kept.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What each environment has. PyPI's torch for Linux brings CUDA's libraries along, 6 GB on disk. */
const REQUIREMENTS = {
  torch: ['torch==2.15.0', 'transformers==5.23.0', 'peft==0.21.2', 'mergekit==0.1.5'],
  kubernetes: ['kubernetes-validate==1.37.0'],
  fasttext: ['fasttext-wheel==0.9.2', 'numpy==2.4.6'],
} as const;

/** An environment. */
export type PeerVenv = keyof typeof REQUIREMENTS;

/** Where they are kept. */
const FOLDER = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'twinroute-bench');

/**
 * The folder of an environment, installed when it is not there or has other versions; undefined, with a word on stderr, where it cannot be had.
 * Cost: the first time several minutes and the downloads
 */
export function peerVenv(name: PeerVenv): string | undefined {
  const folder = join(FOLDER, name);
  const wanted = REQUIREMENTS[name].join('\n');
  // Written last, so that an installation which was cut off is done again.
  const mark = join(folder, 'requirements.txt');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return folder;
  console.error(`bench: installing ${REQUIREMENTS[name].join(', ')} into ${folder}, once`);
  mkdirSync(FOLDER, { recursive: true });
  const python = join(folder, 'bin/python');
  const done =
    runs('python3', ['-m', 'venv', folder]) &&
    runs(python, ['-m', 'pip', 'install', '--quiet', '--no-cache-dir', '--disable-pip-version-check', ...REQUIREMENTS[name]]);
  if (!done) return undefined;
  writeFileSync(mark, wanted);
  return folder;
}

function runs(command: string, args: readonly string[]): boolean {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (status === 0) return true;
  console.error(`bench: ${command} ${args.slice(0, 3).join(' ')}: ${error?.message ?? stderr.slice(-500)}`);
  return false;
}

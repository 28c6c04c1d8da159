// What a figure means nothing without: the machine, the commit, the day.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { PACKAGE_ROOT } from '../../../src/cli/package-root.ts';

/** Where and when a bench ran. */
export interface RunFacts {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGb: number;
    readonly platform: string;
    readonly node: string;
  };
  /** Running processes, averaged over the minute before the bench; a quiet machine has less than one. */
  readonly loadBefore: number;
  /** `-dirty` behind it when tracked files differ, the benches' own results left out; `unknown` outside a clone. */
  readonly commit: string;
  readonly date: string;
}

/** Today's facts; says on stderr when other work would disturb the figures. */
export function runFacts(): RunFacts {
  const [loadBefore] = loadavg();
  if (loadBefore > 1)
    console.error(`bench: load ${loadBefore.toFixed(1)} before the start; the figures will be worse than on a quiet machine`);
  return {
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGb: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform} ${process.arch}`,
      node: process.version,
    },
    loadBefore,
    commit: currentCommit(),
    date: new Date().toISOString(),
  };
}

function currentCommit(): string {
  const git = (...args: readonly string[]): string | undefined => {
    const { status, stdout } = spawnSync('git', args, { cwd: PACKAGE_ROOT, encoding: 'utf8' });
    return status === 0 ? stdout.trim() : undefined;
  };
  const commit = git('rev-parse', '--short=12', 'HEAD');
  if (commit === undefined) return 'unknown';
  // What benches write themselves makes no other program of it.
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!docs/bench', ':!docs/performance.md');
  return changed === '' ? commit : `${commit}-dirty`;
}

/** The facts in one line. */
export function describeFacts({ machine: { cpu, cores, memoryGb, platform, node }, loadBefore, commit, date }: RunFacts): string {
  return `${cpu}, ${cores} cores, ${memoryGb} GB, ${platform}, Node ${node}, load before ${loadBefore.toFixed(1)}; commit ${commit}, ${date}`;
}

/** Writes a report as JSON to `file`, or prints `text` when there is none. */
export function publish(file: string | undefined, report: { readonly facts: RunFacts }, text: () => string): void {
  if (file === undefined) console.log(`${text()}\n\n${describeFacts(report.facts)}`);
  else writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}

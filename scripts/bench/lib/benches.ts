// Every bench of `npm run bench`: what it is told, what it needs, and what it says on the page.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../../src/cli/package-root.ts';
import { ensureSamplePack } from '../../sample-pack.ts';
import { buildSection } from './page/build.ts';
import { devicesSection } from './page/devices.ts';
import { edgeSection } from './page/edge.ts';
import { exportsSection } from './page/exports.ts';
import { gatewaySection } from './page/gateway.ts';
import { largeMergeSection } from './page/large-merge.ts';
import { mergekitSection } from './page/mergekit.ts';
import { originSection } from './page/origin.ts';
import { qualitySection } from './page/quality.ts';
import { resilienceSection } from './page/resilience.ts';
import { routerSection } from './page/router.ts';
import { searchSection } from './page/search.ts';
import type { Section } from './page/section.ts';
import { shardedBuildSection } from './page/sharded-build.ts';
import { throughputSection } from './page/throughput.ts';
import { peerVenv, type PeerVenv } from './peer-venv.ts';
import type { RunFacts } from './run-facts.ts';

/** A bench. */
export interface Bench {
  readonly name: string;
  /** Why it only runs when it is named. */
  readonly apart?: string;
  /** Arguments of a run. @throws {AbsentError} when something is missing without which there is nothing to measure */
  args(quick: boolean): Promise<readonly string[]>;
  /** Its part of the page, from the JSON that it wrote. */
  section(json: string): Section & { readonly facts: RunFacts };
}

/** Something that a bench needs is not on this machine; the message says what. */
export class AbsentError extends Error {}

interface BenchSpec<R extends { readonly facts: RunFacts }> {
  readonly name: string;
  readonly apart?: string;
  readonly args?: (quick: boolean) => readonly string[] | Promise<readonly string[]>;
  readonly section: (report: R) => Section;
}

function bench<R extends { readonly facts: RunFacts }>({ name, apart, args, section }: BenchSpec<R>): Bench {
  return {
    name,
    ...(apart !== undefined && { apart }),
    args: async (quick) => (await args?.(quick)) ?? [],
    section(json) {
      const report: R = JSON.parse(json);
      return { ...section(report), facts: report.facts };
    },
  };
}

function needData(): void {
  if (!existsSync(join(PACKAGE_ROOT, '../shared/data/tasks')))
    throw new AbsentError('needs the data sets in ../shared/data, which are not here');
}

function needVenv(name: PeerVenv): string {
  const folder = peerVenv(name);
  if (folder === undefined) throw new AbsentError(`needs Python packages (${name}) that could not be installed`);
  return folder;
}

/** Arguments for a peer where it can be had. */
function withPeer(flag: string, venv: PeerVenv, path: string): readonly string[] {
  const folder = peerVenv(venv);
  return folder === undefined ? [] : [flag, join(folder, path)];
}

/** In the order of the page. */
export const BENCHES: readonly Bench[] = [
  bench({
    name: 'origin',
    args(quick) {
      needData();
      return [...withPeer('--python', 'torch', 'bin/python'), ...(quick ? ['--quick'] : [])];
    },
    section: originSection,
  }),
  bench({
    name: 'devices',
    apart: 'compares the machine’s GPU with its CPU',
    async args() {
      await ensureSamplePack();
      return [];
    },
    section: devicesSection,
  }),
  bench({ name: 'build', args: (quick) => (quick ? ['--runs', '1'] : []), section: buildSection }),
  bench({
    name: 'router',
    args(quick) {
      needData();
      return [...withPeer('--fasttext', 'fasttext', 'bin/python'), ...(quick ? ['--regimes', 'own'] : [])];
    },
    section: routerSection,
  }),
  bench({
    name: 'edge',
    async args(quick) {
      await ensureSamplePack();
      return quick ? ['--pairs', '200', '--starts', '2', '--requests', '1000'] : [];
    },
    section: edgeSection,
  }),
  bench({
    name: 'resilience',
    async args(quick) {
      await ensureSamplePack();
      return ['--seconds', quick ? '4' : '12'];
    },
    section: resilienceSection,
  }),
  bench({
    name: 'gateway',
    async args(quick) {
      await ensureSamplePack();
      return quick ? ['--pairs', '200', '--rounds', '3'] : [];
    },
    section: gatewaySection,
  }),
  bench({
    name: 'throughput',
    async args(quick) {
      await ensureSamplePack();
      return quick ? ['--rounds', '2'] : [];
    },
    section: throughputSection,
  }),
  bench({
    name: 'exports',
    async args() {
      const folder = needVenv('torch');
      await ensureSamplePack();
      return ['--python', join(folder, 'bin/python')];
    },
    section: exportsSection,
  }),
  bench({ name: 'search', args: (quick) => (quick ? ['--seeds', '1', '--budget', '20'] : []), section: searchSection }),
  bench({ name: 'mergekit', args: () => ['--mergekit', needVenv('torch')], section: mergekitSection }),
  bench({
    name: 'sharded-build',
    apart: 'builds packs of a large model for minutes',
    args: (quick) => (quick ? ['--layers', '1'] : []),
    section: shardedBuildSection,
  }),
  bench({
    name: 'large-merge',
    apart: 'writes 11 GB of checkpoints',
    args: (quick) => [...withPeer('--mergekit', 'torch', ''), ...(quick ? ['--layers', '2'] : [])],
    section: largeMergeSection,
  }),
  bench({ name: 'quality', apart: 'takes an hour, and writes docs/quality.md', section: qualitySection }),
];

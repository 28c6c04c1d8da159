// `twinroute report PACK… --data DIR --out DIR`: measures packs on labelled rows and writes what came out, for people and for machines.

import { availableParallelism, cpus, loadavg } from 'node:os';
import { readdir } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { TwinrouteError } from '../../core/errors.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { MeasuredPack, MeasuredReport } from '../../contract/measured-report.ts';
import { writeFolder } from '../../host/atomic-folder.ts';
import { toHtml } from '../../report/html.ts';
import { toMarkdown } from '../../report/markdown.ts';
import { measuredReport } from '../../report/measured/measured-report.ts';
import { withPack } from '../open-pack-folder.ts';
import { integerOption, requiredOption, textOption } from '../options.ts';
import { readData, SPLITS, splitOf, type Split } from '../quality/read-data.ts';
import { measurePack } from '../report/measure-pack.ts';
import { createReferences } from '../report/references.ts';
import { table } from '../table.ts';
import type { Io, Verb } from '../verb.ts';

const FILES = ['report.json', 'report.md', 'report.html'] as const;

/** The verb `report`. */
export const report: Verb = {
  name: 'report',
  summary: 'measures packs on labelled rows: scores beside experts and base, routing, size, cost and latency, with plots',
  usage: 'PACK… --data DIR --out DIR [--experts DIR] [--split test] [--limit N]',
  options: {
    data: { type: 'string', help: 'folder with tasks.json and tasks/<task>/<split>.jsonl' },
    out: { type: 'string', help: `folder for ${FILES.join(', ')}; made, or replaced when it holds a report` },
    experts: { type: 'string', help: 'folder with base/ and a folder for each expert: measures the experts themselves and the base' },
    split: { type: 'string', help: `${SPLITS.join(', ')}; test` },
    limit: { type: 'string', help: 'rows a task at most, the first ones' },
  },
  async run(positionals, values, io, json) {
    if (positionals.length === 0) throw new TwinrouteError('usage', 'expected at least one PACK, got nothing');
    const out = requiredOption(values, 'out');
    const request = {
      packs: positionals,
      data: requiredOption(values, 'data'),
      experts: textOption(values, 'experts'),
      split: splitOf(textOption(values, 'split') ?? 'test'),
      limit: integerOption(values, 'limit', 1, 1_000_000_000),
    };
    const measured = await writeFolder(out, holdsReportOnly, async ({ write }) => {
      const { report: result, manifests } = await measure(request, io);
      const pages = measuredReport(result, manifests);
      const text = [`${JSON.stringify(result, null, 2)}\n`, toMarkdown(pages), toHtml(pages)];
      for (const [i, file] of FILES.entries()) await write(file, new TextEncoder().encode(text[i]));
      return result;
    });
    io.out(json ? JSON.stringify(measured) : describe(measured));
  },
};

/** What to measure. */
interface ReportRequest {
  readonly packs: readonly string[];
  readonly data: string;
  readonly experts: string | undefined;
  readonly split: Split;
  readonly limit: number | undefined;
}

async function measure(
  { packs: paths, data: folder, experts, split, limit }: ReportRequest,
  { progress }: Io,
): Promise<{ readonly report: MeasuredReport; readonly manifests: readonly Manifest[] }> {
  const [load] = loadavg();
  const manifests: Manifest[] = [];
  // Every pack is opened before any is measured, which takes minutes.
  for (const path of paths) manifests.push(await withPack(path, ({ manifest }) => Promise.resolve(manifest)));
  const labels = labelsOf(paths, manifests);
  const references = createReferences({ experts, split, limited: limit !== undefined }, progress);
  const packs: MeasuredPack[] = [];
  for (const [i, path] of paths.entries()) {
    packs.push(
      await withPack(path, async (pack) => {
        const names = pack.manifest.experts.map(({ name }) => name);
        const data = await readData(folder, names, split, limit);
        return measurePack(pack, labels[i], data, await references(pack, data), { progress, now: () => performance.now() });
      }),
    );
  }
  const [cpu] = cpus();
  const machine = {
    cpu: cpu?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    load: load ?? 0,
  };
  return { report: { split, limit: limit ?? null, machine, packs }, manifests };
}

/** What tells packs apart: their names, else their folders' names, else their paths. */
function labelsOf(paths: readonly string[], manifests: readonly Manifest[]): readonly string[] {
  const ways = [manifests.map(({ name }) => name), paths.map((path) => basename(resolve(path)))];
  return ways.find((labels) => new Set(labels).size === labels.length) ?? paths;
}

async function holdsReportOnly(path: string): Promise<boolean> {
  return (await readdir(path)).every((file) => FILES.some((known) => known === file));
}

function describe({ packs }: MeasuredReport): string {
  const spell = (value: number | undefined): string => (value === undefined ? '–' : `${value.toFixed(2)} %`);
  return table(
    ['pack', 'routed', 'oracle', 'shared', 'base', 'routed right', 'MB', 'p50 ms', 'p95 ms'],
    packs.map(({ label, normalised: { routed, oracle, shared, base }, routing, bytes, latency }) => [
      label,
      spell(routed?.mean),
      spell(oracle?.mean),
      spell(shared?.mean),
      spell(base?.mean),
      spell(100 * routing.accuracy),
      ((bytes['total'] ?? 0) / 1e6).toFixed(2),
      latency.p50_ms.toFixed(2),
      latency.p95_ms.toFixed(2),
    ]),
  );
}

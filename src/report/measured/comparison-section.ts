// Packs beside one another: what each is worth at what size, cost and latency, and which ones no other beats.

import { paretoFront } from '../../core/search/pareto.ts';
import type { MeasuredPack } from '../../contract/measured-report.ts';
import type { Block, Section, Table } from '../document.ts';
import { scatterPlot, type ScatterPoint } from '../plot/scatter.ts';
import { count, megabytes, percent } from '../spell.ts';
import { spell } from './score-section.ts';

/** The section; pictures only where there are packs to compare. */
export function comparisonSection(packs: readonly MeasuredPack[]): Section {
  const several: Block[] = [
    {
      kind: 'text',
      text: 'Blue packs make the front of their picture: none is both smaller (or faster) and better. The line is the edge of what they beat; grey packs are beaten.',
    },
    {
      kind: 'figures',
      figures: [
        {
          svg: paretoPlot(packs, 'megabytes (less is better)', ({ bytes }) => (bytes['total'] ?? 0) / 1e6, megabytesOf),
          caption: 'Score against size',
        },
        {
          svg: paretoPlot(packs, 'milliseconds, p50 (less is better)', ({ latency }) => latency.p50_ms, latencyOf),
          caption: 'Score against latency',
        },
      ],
    },
  ];
  return {
    title: packs.length > 1 ? 'Packs compared' : 'At a glance',
    blocks: [...(packs.length > 1 ? several : []), qualityTable(packs), costTable(packs)],
  };
}

function paretoPlot(
  packs: readonly MeasuredPack[],
  title: string,
  costOf: (pack: MeasuredPack) => number,
  write: (pack: MeasuredPack) => string,
): string {
  const front = new Set(paretoFront(packs.map((pack) => [costOf(pack), -worthOf(pack)])));
  const points = packs.map((pack, i): ScatterPoint => ({
    x: costOf(pack),
    y: worthOf(pack),
    kind: front.has(i) ? 'front' : 'dominated',
    label: pack.label,
    hint: `${pack.label}: routed ${spell(worthOf(pack))}, ${write(pack)}`,
  }));
  return scatterPlot({
    title: `Routed score against ${title.split(' ')[0].replace(',', '')}`,
    description: points.map(({ hint, kind }) => `${hint}${kind === 'front' ? ', on the front' : ''}`).join('; '),
    x: { title, goal: 'min' },
    y: {
      title: packs.some(({ normalised }) => normalised.routed === null) ? 'mean score, percent' : 'percent of the experts (routed)',
      goal: 'max',
    },
    points,
    edge: true,
  });
}

/** Mean normalised score, or the mean score where the experts' own are not known; percent. */
function worthOf({ normalised: { routed }, tasks }: MeasuredPack): number {
  if (routed !== null) return routed.mean;
  const scores = Object.values(tasks).map((task) => task.routed);
  return (100 * scores.reduce((sum, score) => sum + score, 0)) / scores.length;
}

function megabytesOf({ bytes }: MeasuredPack): string {
  return megabytes(bytes['total'] ?? 0);
}

function latencyOf({ latency }: MeasuredPack): string {
  return `${latency.p50_ms.toFixed(2)} ms`;
}

function qualityTable(packs: readonly MeasuredPack[]): Table {
  const mean = (summary: MeasuredPack['normalised']['routed']): string => (summary === null ? '–' : spell(summary.mean));
  return {
    kind: 'table',
    head: ['pack', 'routed', 'without noisiest', 'worst task', 'oracle', 'shared', 'base', 'routed right', 'calibration error'],
    rows: packs.map(({ label, normalised: { routed, oracle, shared, base }, noisiest, routing }) => [
      label,
      mean(routed),
      routed === null || routed.mean_without === null ? '–' : `${spell(routed.mean_without)} (${noisiest})`,
      routed === null ? '–' : `${spell(routed.worst.percent)} (${routed.worst.task})`,
      mean(oracle),
      mean(shared),
      mean(base),
      percent(routing.accuracy),
      percent(routing.calibration_error),
    ]),
  };
}

function costTable(packs: readonly MeasuredPack[]): Table {
  const megaflops = ({ total }: { readonly total: number }): string => (total / 1e6).toFixed(3);
  return {
    kind: 'table',
    head: ['pack', 'bytes', 'p50 ms', 'p95 ms', 'MFLOP a token', 'one expert held', 'plain model', 'method', 'config'],
    textColumns: [0, 7, 8],
    rows: packs.map(({ label, bytes, latency, flops_per_token: flops, method, config }) => [
      label,
      count(bytes['total'] ?? 0),
      latency.p50_ms.toFixed(2),
      latency.p95_ms.toFixed(2),
      megaflops(flops.all_experts),
      megaflops(flops.one_expert),
      megaflops(flops.plain),
      method,
      config,
    ]),
  };
}

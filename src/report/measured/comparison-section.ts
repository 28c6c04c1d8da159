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
    blocks: [...(packs.length > 1 ? several : []), comparisonTable(packs)],
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

function comparisonTable(packs: readonly MeasuredPack[]): Table {
  const mean = (summary: MeasuredPack['normalised']['routed']): string => (summary === null ? '–' : spell(summary.mean));
  const megaflops = ({ total }: { readonly total: number }): string => (total / 1e6).toFixed(3);
  return {
    kind: 'table',
    head: [
      'pack',
      'config',
      'method',
      'routed',
      'worst task',
      'oracle',
      'shared',
      'base',
      'routed right',
      'calibration error',
      'bytes',
      'MFLOP a token, one expert held',
      'all held',
      'plain model',
      'p50 ms',
      'p95 ms',
    ],
    textColumns: [0, 1, 2],
    rows: packs.map((pack) => [
      pack.label,
      pack.config,
      pack.method,
      mean(pack.normalised.routed),
      pack.normalised.routed === null ? '–' : `${spell(pack.normalised.routed.worst.percent)} (${pack.normalised.routed.worst.task})`,
      mean(pack.normalised.oracle),
      mean(pack.normalised.shared),
      mean(pack.normalised.base),
      percent(pack.routing.accuracy),
      percent(pack.routing.calibration_error),
      count(pack.bytes['total'] ?? 0),
      megaflops(pack.flops_per_token.one_expert),
      megaflops(pack.flops_per_token.all_experts),
      megaflops(pack.flops_per_token.plain),
      pack.latency.p50_ms.toFixed(2),
      pack.latency.p95_ms.toFixed(2),
    ]),
  };
}

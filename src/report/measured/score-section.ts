// A pack's scores task by task, beside what it is held against.

import type { MeasuredPack, MeasuredTask } from '../../contract/measured-report.ts';
import type { Block, Table } from '../document.ts';
import { dotPlot, type Dot, type DotShape } from '../plot/dot-plot.ts';
import { count, percent } from '../spell.ts';

/** In the order of the legend. */
const SERIES: readonly (readonly [DotShape, string])[] = [
  ['base', 'base'],
  ['shared', 'shared'],
  ['oracle', 'oracle'],
  ['routed', 'routed'],
];

/** Pictures and tables of a pack's scores. */
export function scoreBlocks(pack: MeasuredPack): Block[] {
  const unknown = Object.entries(pack.tasks).filter(([, { individual }]) => individual === null || individual <= 0);
  const without =
    pack.normalised.routed === null || unknown.length === 0
      ? ''
      : `; without ${unknown.map(([name]) => name).join(', ')}, whose expert has no score above 0 here`;
  return [
    { kind: 'text', text: summaryText(pack) },
    {
      kind: 'figures',
      figures: [{ svg: scorePlot(pack), caption: `Routed at the right${without}` }],
    },
    scoreTable(pack),
  ];
}

function summaryText({ normalised: { routed, oracle }, noisiest, routing }: MeasuredPack): string {
  const way = `${percent(routing.accuracy)} of the rows went to their own expert.`;
  if (routed === null || oracle === null)
    return `${way} The experts' own scores on these rows are not known (\`--experts DIR\` measures them), so that nothing is normalised.`;
  const without =
    noisiest === null || routed.mean_without === null
      ? ''
      : `; ${spell(routed.mean_without)} without ${noisiest}, whose score these rows pin down least`;
  return `Routed, the pack keeps ${spell(routed.mean)} of the experts' own scores on average${without}. Worst task: ${routed.worst.task}, ${spell(routed.worst.percent)}. With the oracle's route ${spell(oracle.mean)}. ${way}`;
}

function scorePlot(pack: MeasuredPack): string {
  const tasks = Object.entries(pack.tasks);
  const isNormalised = pack.normalised.routed !== null;
  const rows = tasks.flatMap(([name, task]) => {
    const own = isNormalised ? task.individual : 1;
    if (own === null || own <= 0) return [];
    const shown = (score: number): number => (isNormalised ? (100 * score) / own : score);
    const write = (score: number): string => shown(score).toFixed(isNormalised ? 1 : 3);
    const dots = SERIES.flatMap(([shape, title]): Dot[] => {
      const score = task[shape];
      return score === null
        ? []
        : [{ shape, value: shown(score), hint: `${name}, ${title}: ${score.toFixed(4)} ${task.metric}, shown as ${write(score)}` }];
    });
    return [{ name, dots, text: write(task.routed) }];
  });
  return dotPlot({
    title: `Scores of ${pack.label}`,
    description: rows.map(({ name, text }) => `${name} ${text}`).join(', '),
    series: SERIES.filter(([shape]) => tasks.some(([, task]) => task[shape] !== null)),
    rows,
    axis: isNormalised ? "percent of the expert's own score" : 'score',
    ...(isNormalised && { guide: { value: 100, name: 'expert itself' } }),
  });
}

function scoreTable({ tasks, normalised, noisiest, routing }: MeasuredPack): Table {
  const score = (value: number | null): string => (value === null ? '–' : value.toFixed(4));
  const row = (name: string, task: MeasuredTask): readonly string[] => [
    name,
    score(task.routed),
    score(task.oracle),
    score(task.individual),
    score(task.shared),
    score(task.base),
    task.standard_error === null ? '–' : `± ${task.standard_error.toFixed(1)} %`,
    percent(task.routed_to_own),
    count(task.rows),
    task.metric,
  ];
  const total = (name: string, pick: (summary: NonNullable<MeasuredPack['normalised']['routed']>) => string): readonly string[] => {
    const cell = (summary: MeasuredPack['normalised']['routed']): string => (summary === null ? '–' : pick(summary));
    const { base, shared, oracle, routed } = normalised;
    return [name, cell(routed), cell(oracle), routed === null ? '–' : spell(100), cell(shared), cell(base), '', '', '', ''];
  };
  return {
    kind: 'table',
    head: ['task', 'routed', 'oracle', 'individual', 'shared', 'base', 'standard error', 'routed to own', 'rows', 'metric'],
    textColumns: [0, 9],
    rows: [
      ...Object.entries(tasks).map(([name, task]) => row(name, task)),
      total('normalised', (summary) => spell(summary.mean)).with(7, percent(routing.accuracy)),
      ...(noisiest === null
        ? []
        : [total(`without ${noisiest}`, (summary) => (summary.mean_without === null ? '–' : spell(summary.mean_without)))]),
      total('worst', (summary) => `${spell(summary.worst.percent)} (${summary.worst.task})`),
    ],
  };
}

/** Percent that are percent already. */
export function spell(value: number): string {
  return `${value.toFixed(2)} %`;
}

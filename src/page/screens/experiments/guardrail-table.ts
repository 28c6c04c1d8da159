// Limits that arms must not pass.

import type { ExperimentReport } from '../../../contract/experiment-report.ts';
import { h } from '../../dom/element.ts';
import { metricStyle } from '../../format/metric.ts';
import { badge, type Tone } from '../../parts/badge.ts';
import { empty } from '../../parts/empty.ts';
import { table } from '../../parts/table.ts';

type Guardrail = ExperimentReport['guardrails'][number];

const STATES: Readonly<Record<Guardrail['state'], readonly [text: string, tone: Tone]>> = {
  waiting: ['waiting for samples', 'quiet'],
  within: ['within its limit', 'good'],
  unclear: ['unclear so far', 'warn'],
  breached: ['breached', 'bad'],
};

/** The table, or a word on why there is none. */
export function guardrailTable({ guardrails }: ExperimentReport): HTMLElement {
  if (guardrails.length === 0) return empty('No guardrails', 'Nothing but a wrong sample ratio would stop this experiment by itself.');
  return table({
    caption: 'Guardrails',
    captionHidden: true,
    columns: [
      { name: 'Metric', cell: ({ metric }) => metricStyle(metric).name },
      { name: 'Arm', cell: ({ arm }) => h('span', { class: 'whole' }, arm) },
      { name: 'State', cell: ({ state }) => badge(...STATES[state]) },
      { name: 'Excess harm', cell: excessText, numeric: true },
    ],
    rows: guardrails,
  });
}

/** Harm beyond what is tolerated: above 0 is too much. */
function excessText({ metric, excess }: Guardrail): string {
  if (excess === undefined || excess.low === null || excess.high === null) return '–';
  const { difference } = metricStyle(metric);
  return `${difference(excess.low)} to ${difference(excess.high)}`;
}

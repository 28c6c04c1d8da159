// One experiment: how its arms do, how that became known, and what was decided.

import { ExperimentHistory, ExperimentReport } from '../../../contract/experiment-report.ts';
import { addressOf } from '../../app/address.ts';
import { live } from '../../app/live.ts';
import type { ScreenContext } from '../../app/screen.ts';
import { h } from '../../dom/element.ts';
import { counted, percent } from '../../format/number.ts';
import { card } from '../../parts/card.ts';
import { facts } from '../../parts/facts.ts';
import { tiles } from '../../parts/tiles.ts';
import { armTable } from './arm-table.ts';
import { auditLog } from './audit-log.ts';
import { guardrailTable } from './guardrail-table.ts';
import { metricCharts } from './metric-charts.ts';
import { sampleRatio } from './sample-ratio.ts';
import { shadowFacts } from './shadow-facts.ts';
import { statusBadge } from './status-badge.ts';

const EVERY_MS = 10_000;

/** What is shown of an experiment. */
interface Known {
  readonly report: ExperimentReport;
  readonly history: ExperimentHistory;
}

/** The experiment with that key. */
export function experimentDetail(context: ScreenContext, key: string): HTMLElement {
  const { api, signal } = context;
  const path = `/v1/experiments/${encodeURIComponent(key)}`;
  // Outlives what is shown, which is made anew whenever something changed.
  const chosen = { metric: '' };
  const part = live<Known>(context, {
    name: `the experiment ${key}`,
    everyMs: EVERY_MS,
    async load() {
      const [report, history] = await Promise.all([
        api.call(ExperimentReport, path, { signal }),
        api.call(ExperimentHistory, `${path}/history`, { signal }),
      ]);
      return { report: report.body, history: history.body };
    },
    view: ({ report, history }) =>
      h(
        'div',
        { class: 'stack' },
        summary(report),
        metricCharts(report, history, Date.now(), chosen),
        card('Arms', {}, armTable(report)),
        h('div', { class: 'halves' }, card('Guardrails', {}, guardrailTable(report)), card('Sample ratio', {}, sampleRatio(report))),
        report.shadow !== undefined && card('Shadow', {}, shadowFacts(report.shadow)),
        card('Decisions', {}, auditLog(report.audit)),
      ),
  });
  return h('div', { class: 'stack' }, h('p', {}, h('a', { href: addressOf('experiments') }, '← All experiments')), part.element);
}

function summary({ status, coverage, design, arms, audit }: ExperimentReport): HTMLElement {
  const exposures = arms.reduce((sum, arm) => sum + arm.exposures, 0);
  const units = arms.reduce((sum, arm) => sum + arm.units, 0);
  const latest = audit.at(-1);
  return h(
    'div',
    { class: 'stack' },
    tiles([
      { name: 'Requests', value: exposures.toLocaleString('en'), note: `of ${counted(units, 'user')}` },
      { name: 'Coverage', value: percent(coverage), note: 'of users take part' },
      { name: 'Arms', value: String(arms.length), note: arms.map(({ name }) => name).join(', ') },
    ]),
    h('p', { class: 'row-tight' }, statusBadge(status), latest !== undefined && h('span', { class: 'quiet' }, latest.reason)),
    h(
      'details',
      { id: 'design' },
      h('summary', {}, 'Design'),
      facts([['Design', h('code', {}, design)], ...arms.map(({ name, config }) => [name, h('code', {}, config ?? '')] as const)]),
    ),
  );
}

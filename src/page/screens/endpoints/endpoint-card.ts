// One endpoint.

import type { EndpointsAnswer } from '../../../contract/endpoints.ts';
import { sparkline } from '../../charts/sparkline.ts';
import { h } from '../../dom/element.ts';
import { milliseconds, percent } from '../../format/number.ts';
import { clock } from '../../format/time.ts';
import { badge, type Tone } from '../../parts/badge.ts';
import { card } from '../../parts/card.ts';
import { facts } from '../../parts/facts.ts';
import { table } from '../../parts/table.ts';
import type { Seen } from './watch.ts';

type Config = EndpointsAnswer['endpoints'][number]['configs'][number];

const STATES: Readonly<Record<Seen['state'], readonly [text: string, tone: Tone]>> = {
  up: ['up', 'good'],
  full: ['full', 'warn'],
  ejected: ['ejected', 'bad'],
  open: ['down', 'bad'],
};

/** The card. */
export function endpointCard({ id, region, experts, configs, state, worst, latencies, changedMs }: Seen): HTMLElement {
  return card(
    id,
    { aside: badge(...STATES[state]) },
    h(
      'div',
      { class: 'endpoint-head' },
      h('p', { class: 'big' }, latencyText(worst.latencyMs), h('span', { class: 'quiet block' }, 'expected latency')),
      sparkline(latencies, `Latency over the last ${latencies.length} looks, now ${latencyText(worst.latencyMs)}`),
    ),
    facts([
      ['Under way', String(worst.inFlight)],
      ['Failed, last 10 s', percent(worst.failureShare)],
      ['Experts held', experts === '*' ? 'all' : experts.join(', ')],
      ['Region', region],
      ['State changed', changedMs === undefined ? 'not while this page was open' : `${clock(changedMs)}, as seen here`],
    ]),
    configs.length > 1 && h('details', { id: `configs-${id}` }, h('summary', {}, 'By config'), configTable(configs)),
  );
}

function configTable(configs: readonly Config[]): HTMLElement {
  return table({
    caption: 'By config',
    captionHidden: true,
    columns: [
      { name: 'Config', cell: ({ config }) => h('code', {}, config.slice(0, 6)) },
      { name: 'State', cell: ({ state }) => badge(...STATES[state]) },
      { name: 'Latency', cell: ({ latency_ms: latency }) => latencyText(latency), numeric: true },
      { name: 'p95', cell: ({ p95_ms: p95 }) => (p95 === null ? '–' : milliseconds(p95)), numeric: true },
      { name: 'Failed', cell: ({ failure_share: share }) => percent(share), numeric: true },
    ],
    rows: configs,
  });
}

/** One that has not answered yet is taken for faster than any real one. */
function latencyText(ms: number): string {
  return ms <= 1 ? 'not asked yet' : milliseconds(ms);
}

// Every published experiment, as links.

import { ExperimentsAnswer } from '../../../contract/experiment-report.ts';
import { addressOf } from '../../app/address.ts';
import { live } from '../../app/live.ts';
import type { ScreenContext } from '../../app/screen.ts';
import { h, s } from '../../dom/element.ts';
import { mark } from '../../charts/mark.ts';
import { percent } from '../../format/number.ts';
import { card } from '../../parts/card.ts';
import { empty } from '../../parts/empty.ts';
import { statusBadge } from './status-badge.ts';

/** How often the list is asked for: the edge itself looks every ten seconds. */
const EVERY_MS = 10_000;

/** The list. */
export function experimentList(context: ScreenContext): HTMLElement {
  const { api, signal } = context;
  return live(context, {
    name: 'experiments',
    everyMs: EVERY_MS,
    load: async () => (await api.call(ExperimentsAnswer, '/v1/experiments', { signal })).body.experiments,
    view: (experiments) =>
      experiments.length === 0
        ? empty('No experiments', 'Publish one under the key experiments in the CONFIG namespace, or start dev with --experiments FILE.')
        : h('div', { class: 'grid' }, ...experiments.map(experimentCard)),
  }).element;
}

function experimentCard({ key, status, coverage, arms, problem }: ExperimentsAnswer['experiments'][number]): HTMLElement {
  return card(
    h('a', { href: addressOf('experiments', key) }, key),
    { aside: statusBadge(status) },
    h(
      'ul',
      { class: 'plain-list', 'aria-label': 'Arms' },
      ...arms.map(({ name, config, weight }, i) =>
        h(
          'li',
          { class: 'row-tight' },
          s('svg', { width: 14, height: 14, viewBox: '-7 -7 14 14', 'aria-hidden': 'true' }, mark(i, 0, 0)),
          h('strong', {}, name),
          h('code', {}, config.slice(0, 6)),
          h('span', { class: 'quiet end' }, percent(weight)),
        ),
      ),
    ),
    h('p', { class: 'quiet' }, `${percent(coverage)} of users take part.`),
    problem !== undefined && h('p', { class: 'panel panel-bad' }, `It enrols nobody: ${problem}.`),
  );
}

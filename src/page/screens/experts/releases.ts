// What was published without a new deployment: what is served by default, what is staged beside it, and every release before.

import { ReleasesAnswer } from '../../../contract/release.ts';
import { ifThere } from '../../api/if-there.ts';
import { live } from '../../app/live.ts';
import type { ScreenContext } from '../../app/screen.ts';
import { h, type Child } from '../../dom/element.ts';
import { moment } from '../../format/time.ts';
import { badge, type Tone } from '../../parts/badge.ts';
import { card } from '../../parts/card.ts';
import { empty } from '../../parts/empty.ts';
import { needSecret } from '../../parts/need-secret.ts';
import { table } from '../../parts/table.ts';

type Line = ReleasesAnswer['history'][number];
type Configs = Line['configs'];

const EVERY_MS = 10_000;

const ACTIONS: Readonly<Record<Line['action'], readonly [text: string, tone: Tone]>> = {
  publish: ['published', 'accent'],
  rollout: ['rolled out', 'good'],
  rollback: ['rolled back', 'warn'],
};

/** Current, staged and past. */
export function releases(context: ScreenContext): HTMLElement {
  if (!context.isAdmin) return needSecret(context);
  const { api, signal } = context;
  return live(context, {
    name: 'releases',
    everyMs: EVERY_MS,
    load: async () => (await ifThere(api.call(ReleasesAnswer, '/admin/v1/releases', { signal })))?.body ?? 'none',
    view(known) {
      if (known === 'none') return empty('Nothing can be published here', 'See docs/publish.md: the edge needs PUBLISH_KEYS and a bucket.');
      const { deployed, history } = known;
      return h(
        'div',
        { class: 'stack' },
        served(history.at(0)?.configs ?? deployed, history.at(0)),
        card('History', {}, history.length === 0 ? empty('Nothing was published yet', 'See twinroute publish.') : historyTable(history)),
      );
    },
  }).element;
}

/** The first config of the newest release is the default; the others are staged. */
function served(configs: Configs, newest: Line | undefined): HTMLElement {
  return card(
    newest === undefined ? 'As deployed' : `Version ${newest.version}`,
    { aside: newest !== undefined && h('span', { class: 'quiet' }, `since ${moment(newest.received_ms)}; edges follow within their TTL`) },
    table({
      caption: 'Configs that answer',
      captionHidden: true,
      columns: [
        { name: 'Name', cell: ({ name }) => name },
        { name: 'Config', cell: ({ config }) => h('code', {}, config) },
        { name: 'State', cell: ({ config }) => (config === configs[0]?.config ? badge('default', 'accent') : badge('staged', 'quiet')) },
      ],
      rows: configs,
    }),
  );
}

function historyTable(rows: readonly Line[]): HTMLElement {
  return table({
    caption: 'Releases, newest first',
    captionHidden: true,
    columns: [
      { name: 'Version', cell: ({ version }) => String(version) },
      { name: 'When', cell: ({ received_ms: ms }) => moment(ms) },
      { name: 'What', cell: ({ action, restores }) => whatOf(action, restores) },
      { name: 'By', cell: ({ by }) => by },
      { name: 'Why', cell: ({ reason }) => reason },
      { name: 'Default', cell: ({ configs }) => h('span', {}, configs[0]?.name, h('code', { class: 'quiet block' }, configs[0]?.config)) },
    ],
    rows,
  });
}

function whatOf(action: Line['action'], restores: number | undefined): Child {
  const shown = badge(...ACTIONS[action]);
  return restores === undefined ? shown : h('span', {}, shown, h('span', { class: 'quiet block' }, `to version ${restores}`));
}

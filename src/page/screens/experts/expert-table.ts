// Experts of a config, one a row.

import type { EdgeExpert } from '../../../contract/edge-bundle.ts';
import type { ExpertsAnswer } from '../../../contract/http.ts';
import { addressOf } from '../../app/address.ts';
import { h, type Child } from '../../dom/element.ts';
import { bytes, counted, percent } from '../../format/number.ts';
import { table } from '../../parts/table.ts';

/** Labels that are shown unfolded. */
const LABELS = 6;

/** The table. */
export function expertTable(config: string, name: string, experts: ExpertsAnswer['experts']): HTMLElement {
  return table({
    caption: `Experts of ${name}`,
    captionHidden: true,
    columns: [
      { name: 'Expert', cell: (expert) => expert.name },
      { name: 'Answers', cell: (expert) => answersOf(config, expert) },
      { name: 'Rank', cell: ({ about }) => rankText(about), numeric: true },
      {
        name: 'Energy kept',
        cell: ({ about }) => (about?.kept_energy === undefined ? '–' : percent(about.kept_energy.mean)),
        numeric: true,
      },
      { name: 'Size', cell: ({ about }) => sizeText(about), numeric: true },
      { name: 'Licence', cell: ({ about }) => licenceOf(about) },
      { name: 'Try', cell: (expert) => tryLink(config, expert) },
    ],
    rows: experts,
  });
}

function answersOf(config: string, { name, problem, labels }: EdgeExpert): Child {
  if (problem === 'regression') return `a number: ${labels.join(', ')}`;
  if (labels.length <= LABELS) return labels.join(', ');
  return h('details', { id: `labels-${config}-${name}` }, h('summary', {}, counted(labels.length, 'label')), labels.join(', '));
}

function rankText(about: EdgeExpert['about']): Child {
  if (about?.ranks === undefined) return '–';
  const { lowest, highest, mean } = about.ranks;
  if (lowest === highest) return String(lowest);
  return h('span', {}, mean.toFixed(1), h('span', { class: 'quiet block' }, `${lowest} to ${highest}`));
}

function sizeText(about: EdgeExpert['about']): Child {
  if (about === undefined) return '–';
  return h('span', {}, bytes(about.bytes), h('span', { class: 'quiet block' }, about.format));
}

function licenceOf(about: EdgeExpert['about']): Child {
  if (about === undefined) return '–';
  return h('span', {}, about.license, h('span', { class: 'quiet block' }, about.source));
}

function tryLink(config: string, { name, about }: EdgeExpert): Child {
  if (about?.example === undefined) return '–';
  return h('a', { class: 'whole', href: addressOf('playground', config, name) }, 'Try it', h('span', { class: 'hidden' }, `: ${name}`));
}

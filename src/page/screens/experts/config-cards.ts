// Every config that answers, and its experts.

import { ConfigsAnswer, ExpertsAnswer } from '../../../contract/http.ts';
import { live } from '../../app/live.ts';
import type { ScreenContext } from '../../app/screen.ts';
import { h } from '../../dom/element.ts';
import { badge } from '../../parts/badge.ts';
import { card } from '../../parts/card.ts';
import { copyable } from '../../parts/copy.ts';
import { facts } from '../../parts/facts.ts';
import { counted } from '../../format/number.ts';
import { expertTable } from './expert-table.ts';
import { parameterText } from './parameter-text.ts';

type Config = ConfigsAnswer['configs'][number];

const ROUTING: Readonly<Record<Config['routing'], string>> = {
  edge: 'at the edge',
  origin: 'by the origin',
  auto: 'at the edge, by the origin where that abstains',
};

/** The cards. */
export function configCards(context: ScreenContext): HTMLElement {
  return live(context, {
    name: 'experts',
    load: () => load(context),
    view: (configs) => h('div', { class: 'stack' }, ...configs.map(({ config, experts }, i) => configCard(config, experts, i === 0))),
  }).element;
}

async function load({ api, signal }: ScreenContext) {
  const { configs } = (await api.call(ConfigsAnswer, '/v1/configs', { signal })).body;
  return Promise.all(
    configs.map(async (config) => ({
      config,
      experts: (await api.call(ExpertsAnswer, `/v1/experts?config=${config.config}`, { signal })).body.experts,
    })),
  );
}

function configCard(config: Config, experts: ExpertsAnswer['experts'], isDefault: boolean): HTMLElement {
  return card(
    h('span', {}, config.name, ' ', h('code', { class: 'quiet' }, config.config.slice(0, 6))),
    { aside: isDefault && badge('default', 'accent') },
    facts([
      ['Config', copyable(config.config, 'config id')],
      ['Method', config.method],
      ['Routing', ROUTING[config.routing]],
      ['Experts', counted(experts.length, 'expert')],
    ]),
    h(
      'details',
      { id: `parameters-${config.config}` },
      h('summary', {}, 'Parameters'),
      facts(Object.entries(config.parameters).map(([name, value]) => [name, parameterText(value)])),
    ),
    expertTable(config.config, config.name, experts),
  );
}

// Origins as this isolate of the edge sees them.

import { EndpointsAnswer } from '../../../contract/endpoints.ts';
import { live } from '../../app/live.ts';
import type { OpenScreen } from '../../app/screen.ts';
import { h } from '../../dom/element.ts';
import { empty } from '../../parts/empty.ts';
import { endpointCard } from './endpoint-card.ts';
import { createWatch } from './watch.ts';

const EVERY_MS = 2_000;

/** Opens the screen. */
export const openEndpoints: OpenScreen = (context) => {
  const { api, signal } = context;
  const watch = createWatch();
  return {
    title: 'Endpoints',
    intro:
      'Health as one isolate of the edge has learnt it from its own requests. Isolates learn separately, so others may see it otherwise.',
    content: live(context, {
      name: 'endpoints',
      everyMs: EVERY_MS,
      async load() {
        const { endpoints } = (await api.call(EndpointsAnswer, '/v1/endpoints', { signal })).body;
        return watch.look(endpoints, Date.now());
      },
      view: (seen) =>
        seen.length === 0
          ? empty('No endpoints', 'The variable ENDPOINTS lists them.')
          : h('div', { class: 'grid' }, ...seen.map(endpointCard)),
    }).element,
  };
};

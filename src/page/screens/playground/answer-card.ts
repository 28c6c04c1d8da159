// One answer: what was said, how sure, by whom, how long it took and what it cost.

import type { Prediction } from '../../../contract/http.ts';
import { h } from '../../dom/element.ts';
import { counted, percent, plain } from '../../format/number.ts';
import { money } from '../../format/money.ts';
import { badge } from '../../parts/badge.ts';
import { foldedBars } from '../../parts/bars.ts';
import { card } from '../../parts/card.ts';
import { copyable } from '../../parts/copy.ts';
import { facts } from '../../parts/facts.ts';
import type { Answered } from './ask.ts';
import { routing } from './routing.ts';
import { timeline } from './timeline.ts';

/** Labels that are seen at once. */
const LABELS = 4;

/** The card. @param config its name */
export function answerCard({ prediction, charge, requestId, tookMs }: Answered, config: string): HTMLElement {
  const { explain, usage, experiment, abstained, cut } = prediction;
  return card(
    h('span', { class: 'answer-config' }, config, ' ', h('code', { title: prediction.config }, prediction.config.slice(0, 6))),
    {
      class: 'answer',
      aside: h(
        'span',
        { class: 'row-tight' },
        experiment !== undefined && badge(`${experiment.key}: ${experiment.arm}${experiment.forced === true ? ', forced' : ''}`, 'accent'),
        prediction.cached === true && badge('kept answer', 'quiet'),
        abstained && badge('abstained', 'warn'),
      ),
    },
    verdict(prediction),
    prediction.label !== null && foldedBars(`Probability of each label of ${prediction.task}`, labelBars(prediction), LABELS),
    h('h3', {}, 'Router and mix'),
    routing(prediction),
    abstained && h('p', { class: 'quiet' }, 'The router was not sure enough of any expert: the shared model answered alone.'),
    cut !== undefined &&
      h('p', { class: 'quiet' }, `No endpoint held the whole mix: ${percent(cut.covered)} of what was asked for was served.`),
    h('h3', {}, 'Time'),
    timeline(prediction.timing, tookMs),
    facts([
      ['Endpoint', explain && `${explain.endpoint}${explain.attempts > 1 ? `, after ${explain.attempts} attempts` : ''}`],
      ['Tokens', `${usage.tokens}${usage.truncated ? ', cut to what the model reads' : ''}`],
      ['Experts', usage.experts === 0 ? 'none, the shared model alone' : counted(usage.experts, 'expert')],
      ['Charged', charge === undefined ? 'nothing: no accounts here' : money(charge.micros, charge.currency)],
      ['Credit left', charge?.balanceMicros !== undefined && money(charge.balanceMicros, charge.currency)],
      ['Signed receipt', explain?.receipt !== undefined && 'verified by the edge'],
      ['Request', copyable(requestId, 'request id')],
    ]),
  );
}

/** The answer itself, large. */
function verdict({ task, label, scores, output }: Prediction): HTMLElement {
  if (output !== undefined)
    return h(
      'p',
      { class: 'verdict' },
      h('span', { class: 'verdict-label' }, label ?? output.text.trim()),
      h('span', { class: 'quiet' }, 'written by ', h('strong', {}, task)),
    );
  const [name, value] = Object.entries(scores)[0] ?? ['value', 0];
  return h(
    'p',
    { class: 'verdict' },
    h('span', { class: 'verdict-label' }, label ?? plain(value)),
    h('span', { class: 'quiet' }, label === null ? `${name}, by ` : `${percent(scores[label] ?? 0)}, by `, h('strong', {}, task)),
  );
}

function labelBars({ scores, label }: Prediction) {
  return Object.entries(scores)
    .sort(([, a], [, b]) => b - a)
    .map(([name, share]) => ({ name, share, text: percent(share), strong: name === label }));
}

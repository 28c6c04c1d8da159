// What the router thought of each expert, and what became of it in the mix.

import type { Prediction } from '../../../contract/http.ts';
import { h } from '../../dom/element.ts';
import { percent } from '../../format/number.ts';
import { bars, foldedBars } from '../../parts/bars.ts';

/** Experts that are seen at once beside those in the mix. */
const SEEN = 5;

const BY: Readonly<Record<'edge' | 'origin' | 'caller', string>> = {
  edge: 'Routed at the edge.',
  origin: 'Routed by the origin.',
  caller: 'You chose; the router was not asked.',
};

/** Scores as bars, experts of the mix set apart with their weight. */
export function routing({ explain, mix }: Prediction): HTMLElement {
  const weights = new Map(mix.map(({ expert, weight }) => [expert, weight]));
  const scored = explain?.router ?? [];
  const note = (expert: string): HTMLElement | undefined => {
    const weight = weights.get(expert);
    return weight === undefined ? undefined : h('span', { class: 'weight' }, `× ${weight.toFixed(2)}`);
  };
  const content =
    scored.length > 0
      ? foldedBars(
          'Score of each expert; those with a weight are in the mix',
          scored.map(({ expert, score }) => ({
            name: expert,
            share: score,
            text: percent(score),
            note: note(expert),
            strong: weights.has(expert),
          })),
          Math.max(SEEN, mix.length),
        )
      : bars(
          'Weight of each expert in the mix',
          mix.map(({ expert, weight }) => ({ name: expert, share: weight, text: weight.toFixed(2), strong: true })),
        );
  return h('div', { class: 'stack-small' }, content, explain !== undefined && h('p', { class: 'quiet' }, BY[explain.routed_by]));
}

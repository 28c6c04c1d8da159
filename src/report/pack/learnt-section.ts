// What a shared model's method learnt, for people: a line, and a table by expert.

import type { Learnt } from '../../contract/learnt.ts';
import type { Section } from '../document.ts';

/** The section; undefined where nothing was learnt. */
export function learntSection(learnt: Learnt | undefined): Section | undefined {
  if (learnt === undefined) return undefined;
  const { head, rows } = learntTable(learnt);
  return {
    title: 'What the shared model learnt',
    blocks: [
      { kind: 'text', text: learntText(learnt) },
      { kind: 'table', head, rows },
    ],
  };
}

/** How it was learnt, in a sentence. */
export function learntText(learnt: Learnt): string {
  if (learnt.kind === 'grams')
    return `Gram matrices of what ${learnt.layers} linear layers read in each expert's own texts; every other parameter is an average.`;
  const { tensors, rows, entropy, held } = learnt;
  const each = tensors.length === 0 ? 'One coefficient an expert' : `One coefficient for each expert and each of ${tensors.length} tensors`;
  const stayed = held.length === 0 ? '' : `; those of ${held.join(', ')} stayed as they were`;
  return `${each}, learnt from ${rows.train} texts: entropy on ${rows.held_back} held-back ones ${entropy.start.toFixed(4)} before, ${entropy.kept.toFixed(4)} after step ${entropy.step}${stayed}.`;
}

/** By expert: its coefficient, or mean, lowest and highest of several; the texts that were read. */
export function learntTable(learnt: Learnt): { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  if (learnt.kind === 'grams')
    return { head: ['expert', 'texts'], rows: Object.entries(learnt.rows).map(([name, count]) => [name, String(count)]) };
  const entries = Object.entries(learnt.values);
  if (learnt.tensors.length === 0)
    return { head: ['expert', 'coefficient'], rows: entries.map(([name, [value]]) => [name, value.toFixed(4)]) };
  return {
    head: ['expert', 'mean coefficient', 'lowest', 'highest'],
    rows: entries.map(([name, values]) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return [name, ...[mean, Math.min(...values), Math.max(...values)].map((value) => value.toFixed(4))];
    }),
  };
}

// Whether adapters say that they belong to another base. They state a name or a path of whoever trained them, so a difference is a
// reason to look, no proof.

import type { Finding } from './findings.ts';

/** An expert and the base that its adapter names. */
export interface StatedBase {
  readonly name: string;
  readonly statedBase: string | undefined;
}

/**
 * One finding for each expert that names another base.
 * @param known names of the base: what its card says, and its folder; without a card, what most of the experts state counts as known
 */
export function findOtherBases(
  experts: readonly StatedBase[],
  known: { readonly source: string | undefined; readonly folder: string },
): readonly Finding[] {
  const source = known.source ?? commonest(experts.flatMap(({ statedBase }) => statedBase ?? []));
  if (source === undefined) return [];
  const names = new Set([source, known.folder].map(shortName));
  return experts.flatMap(({ name, statedBase }): Finding[] => {
    if (statedBase === undefined || names.has(shortName(statedBase))) return [];
    return [
      {
        code: 'other_base',
        experts: [name],
        message: `${name} states that its base is ${statedBase}, and the base here is ${source}`,
        advice: 'Make sure that both are the same weights: an adapter applied to another base answers wrongly without a sign of it.',
      },
    ];
  });
}

/** Without organisation or folders: `org/name`, `/models/name` and `name` are taken for one. */
function shortName(name: string): string {
  return name
    .replace(/[\\/]+$/, '')
    .replace(/^.*[\\/]/, '')
    .toLowerCase();
}

/** What at least two state, and more than any other; undefined when there is no such. */
function commonest(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const [first, second] = [...counts].sort(([, a], [, b]) => b - a);
  return first !== undefined && first[1] >= 2 && first[1] > (second?.[1] ?? 0) ? first[0] : undefined;
}

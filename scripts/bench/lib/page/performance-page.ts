// docs/performance.md, all of it: what the benches measured, each with its own machine, commit and day.

import { markdownTable } from '../markdown-table.ts';
import { describeFacts, type RunFacts } from '../run-facts.ts';
import type { Section } from './section.ts';

/** A bench's part of the page with where it ran. */
export interface MeasuredSection extends Section {
  readonly name: string;
  readonly facts: RunFacts;
}

/**
 * The page.
 * @param absent why benches have no figures, by name
 */
export function performancePage(sections: readonly MeasuredSection[], absent: Readonly<Record<string, string>>): string {
  const parts = sections.flatMap(({ name, title, about, facts, lines, plots = [], notes = [] }) => {
    const hasVerdicts = lines.some(({ met }) => met !== undefined);
    return [
      `## ${title}`,
      about,
      `\`npm run bench -- --only ${name}\`: ${describeFacts(facts)}.`,
      markdownTable(
        ['what', 'target', ...(hasVerdicts ? ['met'] : []), 'measured'],
        lines.map(({ what, target = '', met, measured }) => [
          what,
          target,
          ...(hasVerdicts ? [met === undefined ? '' : met ? 'yes' : '**no**'] : []),
          measured,
        ]),
      ),
      ...plots.map(({ file, about: alt }) => `![${alt}](bench/${file})`),
      ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join('\n')]),
    ];
  });
  const missing = Object.entries(absent);
  return `${[
    '# Performance',
    'Written by `npm run bench`, wholly: figures from `docs/bench/*.json`, words from `scripts/bench/lib/page`. `npm run bench -- --render` writes it again without measuring. Every section has the machine, commit and day of its own figures; ' +
      'a *load before* of more than one means that the machine was not quiet. Nothing in the gate depends on a figure.',
    ...parts,
    ...(missing.length === 0 ? [] : ['## Not here', missing.map(([name, reason]) => `- \`${name}\`: ${reason}`).join('\n')]),
  ].join('\n\n')}\n`;
}

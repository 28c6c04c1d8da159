// Exports in other programs, on the page.

import type { ExportsReport } from '../../exports.bench.ts';
import type { Section } from './section.ts';

/** The section. */
export function exportsSection({ pack, limit, results }: ExportsReport): Section {
  return {
    title: 'Exports in other programs',
    about: `Largest difference between a logit of the origin and of another program that loads what \`twinroute export\` wrote of the sample pack (config ${pack}); texts are the experts’ own examples.`,
    lines: results.map(({ who, rows, difference }) => ({
      what: who,
      target: `≤ ${limit.toExponential(0)}`,
      measured: `${difference.toExponential(2)} over ${rows} rows`,
      met: difference <= limit,
    })),
  };
}

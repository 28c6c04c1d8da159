// Static merges beside mergekit's, on the page.

import type { MergekitReport } from '../../mergekit.bench.ts';
import type { Section } from './section.ts';

/** Columns of a merge's row. */
const DIFFERENCE = 1;
const ENTRIES = 2;

/** The section. */
export function mergekitSection({ heads, merges, draws, errors }: MergekitReport): Section {
  const under = (head: readonly string[], row: readonly string[]): string =>
    row.flatMap((cell, i) => (i === 0 || cell === '' ? [] : [`${head[i]} ${cell}`])).join('; ');
  const alike = merges.filter((row) => Number(row[ENTRIES]) === 0);
  const worst = alike.map((row) => Number(row[DIFFERENCE])).reduce((a, b) => Math.max(a, b), 0);
  return {
    title: 'Static merges beside mergekit’s',
    about:
      'Tensor by tensor on random tiny checkpoints in the shapes of Llama and BERT, f32, the same config files. Methods that draw are compared by the share of entries that moved and by the mean over seeds.',
    lines: [
      {
        what: `${alike.length} of ${merges.length} configs: largest difference of a weight`,
        target: '≤ 1e-6',
        measured: worst.toExponential(1),
        met: alike.length > 0,
      },
      ...merges.filter((row) => Number(row[ENTRIES]) > 0).map((row) => ({ what: row[0], measured: under(heads.merges, row) })),
      ...draws.map((row) => ({ what: row[0], measured: under(heads.draws, row) })),
      ...errors.map((error) => ({ what: 'failed', measured: error })),
    ],
  };
}

// Whether arms got the share of users that they were to get.

import type { ExperimentReport } from '../../../contract/experiment-report.ts';
import { h } from '../../dom/element.ts';
import { percent, whole } from '../../format/number.ts';
import { badge } from '../../parts/badge.ts';
import { table } from '../../parts/table.ts';

/** Users by arm beside their expected number, and the verdict. */
export function sampleRatio({
  arms,
  sample_ratio: { expected, observed, sequential_p_value: p, mismatch },
}: ExperimentReport): HTMLElement {
  const total = observed.reduce((sum, count) => sum + count, 0);
  return h(
    'div',
    { class: 'stack-small' },
    h(
      'p',
      { class: 'row-tight' },
      mismatch ? badge('mismatch', 'bad') : badge(total === 0 ? 'no users yet' : 'as expected', total === 0 ? 'quiet' : 'good'),
      h(
        'span',
        { class: 'quiet' },
        mismatch
          ? 'Something keeps users of an arm away, so nothing here can be compared.'
          : `p = ${p.toPrecision(2)}, valid at every look`,
      ),
    ),
    table({
      caption: 'Users by arm',
      captionHidden: true,
      columns: [
        { name: 'Arm', cell: ({ name }) => name },
        { name: 'Users', cell: ({ got }) => whole(got), numeric: true },
        { name: 'Expected', cell: ({ wanted }) => whole(wanted), numeric: true },
        { name: 'Share', cell: ({ got }) => (total === 0 ? '–' : percent(got / total)), numeric: true },
      ],
      rows: arms.map(({ name }, i) => ({ name, got: observed[i] ?? 0, wanted: expected[i] ?? 0 })),
    }),
  );
}

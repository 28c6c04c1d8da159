// A config that is run beside the arms, after their answers have left.

import type { ExperimentReport } from '../../../contract/experiment-report.ts';
import { h } from '../../dom/element.ts';
import { milliseconds, percent, plain, whole } from '../../format/number.ts';
import { facts } from '../../parts/facts.ts';

/** What is known of it. */
export function shadowFacts({
  config,
  answered,
  failures,
  agreement,
  distance,
  latency_ms: { p50, p95 },
}: NonNullable<ExperimentReport['shadow']>): HTMLElement {
  return facts([
    ['Config', h('code', {}, config)],
    ['Answered', `${whole(answered)}, ${whole(failures)} failed`],
    ['Same answer', agreement === null ? 'not known yet' : percent(agreement)],
    ['Mean distance', distance !== null && plain(distance)],
    ['p50 and p95', p50 !== null && p95 !== null && `${milliseconds(p50)}, ${milliseconds(p95)}`],
  ]);
}

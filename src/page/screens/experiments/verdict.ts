// What an interval around a difference says, in words.

import type { IntervalAnswer } from '../../../contract/experiment-report.ts';
import type { MetricStyle } from '../../format/metric.ts';

/** `rank-4 is between −1.2 pp and +0.3 pp of rank-16: no difference is shown yet.` */
export function verdict(arm: string, control: string, { low, high, estimate }: IntervalAnswer, { difference, name }: MetricStyle): string {
  if (estimate === null) return `Nothing is known of ${arm} yet.`;
  if (low === null || high === null) return `${arm} is at ${difference(estimate)} to ${control} so far, without a bound.`;
  const range = `${arm} lies between ${difference(low)} and ${difference(high)} of ${control}`;
  if (low <= 0 && high >= 0) return `${range}: no difference is shown yet.`;
  return `${range}: ${name.toLowerCase()} ${low > 0 ? 'higher' : 'lower'} for sure (95 % at every look).`;
}

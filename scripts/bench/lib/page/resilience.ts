// Many origins of which some fail, on the page.

import type { ResilienceReport } from '../../resilience.bench.ts';
import { barPlot } from '../plot/bars.ts';
import type { Line, Section } from './section.ts';

const TARGET = { goodput: 0.99, slower: 2 };

/** The section. */
export function resilienceSection({ cases, rate, seconds }: ResilienceReport): Section {
  const healthy = cases.find(({ name }) => name === 'healthy');
  const answered = cases.filter(({ goodput }) => goodput > 0);
  return {
    title: 'Many origins',
    about:
      `What callers of POST /v1/predict see while origins fail: three origins of 20 ms a batch that wait instead of computing, ${rate} requests a second at random times for ${seconds} s, signed, over real HTTP through workerd. ` +
      'Every case begins with a warm edge that has met no fault; noticing is measured, too.',
    lines: cases.map(({ name, goodput, p50, p99, attempts, requests, failures }): Line => {
      const slower = healthy === undefined ? Number.NaN : p99 / healthy.p99;
      const isAimed = name !== 'healthy' && name !== 'all dead';
      const others = Object.entries(failures).map(([status, count]) => `${count} of ${requests} got ${status}`);
      return {
        what: name,
        ...(isAimed && { target: 'goodput ≥ 99 %, p99 ≤ 2 × healthy', met: goodput >= TARGET.goodput && slower <= TARGET.slower }),
        measured: [
          `goodput ${(100 * goodput).toFixed(2)} %`,
          ...(goodput === 0 ? [] : [`p50 ${p50.toFixed(1)} ms`, `p99 ${p99.toFixed(1)} ms (${slower.toFixed(2)} × healthy)`]),
          ...(goodput === 0 ? [] : [`${attempts.toFixed(2)} attempts an answer`]),
          ...others,
        ].join(', '),
      };
    }),
    plots: [
      {
        file: 'resilience.svg',
        about: 'p99 of good answers while origins fail',
        svg: barPlot(
          'Good answers while origins fail',
          'p99, milliseconds',
          answered.map(({ name, p99 }) => ({
            name,
            value: p99,
            colour: name === 'healthy' ? 2 : 0,
            ...(healthy !== undefined && name !== 'healthy' && { target: TARGET.slower * healthy.p99 }),
          })),
        ),
      },
    ],
    notes: [
      'In virtual time (`test/edge/outage.test.ts`, 1,000 requests from a cold start at 100 a second): one dead, one 10 × slow or one 500s for half: goodput 100 %, p99 1.0 × healthy in each. All three at once, nobody left who is well: after the first hundred requests, in which they are noticed, goodput 100 % and p99 at most 2 × healthy (asserted; it was 7.5 ×). Before the last change the same over real HTTP was 3.7 ×.',
    ],
  };
}

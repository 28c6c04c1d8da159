// The router inside workerd, on the page.

import type { EdgeReport } from '../../edge.bench.ts';
import { barPlot } from '../plot/bars.ts';
import { megabytes, spellEstimate, type Line, type Section } from './section.ts';

/** The case that the targets are for. */
const AIMED_AT = '256 tokens';

/** The section. */
export function edgeSection({ bytes, cold, cases, memory }: EdgeReport): Section {
  const last = memory[memory.length - 1];
  const warm = memory[memory.length - 2];
  return {
    title: 'Edge',
    about:
      'The real Worker in workerd. Times are differences within pairs of POST /v1/route and a no-op of the same Worker with the same body on one connection, with 95 % bootstrap intervals. ' +
      'Miniflare stands before the Worker in both requests of a pair.',
    lines: [
      ...cases.map(({ name, ratio, difference, pairs }): Line => {
        const [p50, p90, p99] = difference;
        return {
          what: `Router in workerd, ${name}`,
          ...(name === AIMED_AT && { target: 'p50 ≤ 1 ms, p99 ≤ 3 ms', met: p50.value <= 1 && p99.value <= 3 }),
          measured: `p50 ${spellEstimate(p50, 3, ' ms')}, p90 ${spellEstimate(p90, 3, ' ms')}, p99 ${spellEstimate(p99, 3, ' ms')}; ${ratio.toFixed(2)} times the no-op; ${pairs} pairs`,
        };
      }),
      {
        what: `Isolate after ${last.requests} requests: heap pages, buffers and WebAssembly memory`,
        target: '≤ 100 MB',
        measured: `${megabytes(last.isolate)}; ${megabytes(warm.isolate)} after ${warm.requests}`,
        met: last.isolate <= 100e6,
      },
      ...(last.processRss === undefined || warm.processRss === undefined
        ? []
        : [
            {
              what: 'The whole workerd process: this isolate, miniflare’s own and the runtime, RSS',
              measured: `${megabytes(last.processRss)}; ${megabytes(warm.processRss)} after ${warm.requests}`,
            },
          ]),
      {
        what: 'First answers of a fresh workerd',
        measured: `isolate with a no-op ${cold.isolateMs.toFixed(0)} ms, then router session with a route ${cold.sessionMs.toFixed(0)} ms; medians of ${cold.starts} starts`,
      },
      { what: 'Router file', target: '≤ 4 MB', measured: megabytes(bytes.router), met: bytes.router <= 4e6 },
      {
        what: 'Worker bundle, raw',
        target: '≤ 20 MiB',
        measured: `${(bytes.bundle / 2 ** 20).toFixed(2)} MiB`,
        met: bytes.bundle <= 20 * 2 ** 20,
      },
    ],
    plots: [
      {
        file: 'edge.svg',
        about: 'What routing adds to a request, by length of the text',
        svg: barPlot(
          'What routing adds to a request',
          'milliseconds, median of pairs',
          cases.map(({ name, difference: [{ value, low, high }] }) => ({
            name,
            value: Math.max(0, value),
            low: Math.max(0, low),
            high,
            ...(name === AIMED_AT && { target: 1 }),
          })),
        ),
      },
    ],
    notes: [
      'On the quiet machine (2026-11-24, 2 cores), 256 tokens: p50 0.27 ms [0.26, 0.28], p99 2.2 ms [1.5, 3.2] where the no-op’s own was 3.2 ms; isolate after 10,000 requests 50 MB; router file 1.31 MB; bundle 14.71 MiB.',
      'Being watched (metrics, a line, a recorded trace and a point) takes a charged request a few microseconds: `node scripts/bench/observe.bench.ts`.',
    ],
  };
}

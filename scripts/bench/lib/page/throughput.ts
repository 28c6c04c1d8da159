// One process of workerd, on the page.

import type { ThroughputReport } from '../../throughput.bench.ts';
import { barPlot } from '../plot/bars.ts';
import { spellEstimate, type Line, type Section } from './section.ts';

/** The section. */
export function throughputSection({ ways, profiles, rounds }: ThroughputReport): Section {
  return {
    title: 'One process of workerd',
    about: `POST /v1/predict before a mock origin with 32 clients, ${rounds} rounds in which the ways take turns; the whole edge, and each row with one more part left out. The profile is of self time that is not idle.`,
    lines: [
      ...ways.map(({ name, requestsPerSecond, cpuMs, p50 }): Line => ({
        what: name,
        measured: `${requestsPerSecond.toFixed(0)} a second, ${spellEstimate(cpuMs, 2, ' ms')} of CPU a request, p50 ${p50.toFixed(1)} ms`,
      })),
      ...profiles.map(({ name, shares }): Line => ({
        what: `Where its time goes, ${name}`,
        measured: shares.byFile
          .slice(0, 10)
          .map(({ where, share }) => `${where} ${(100 * share).toFixed(0)} %`)
          .join(', '),
      })),
    ],
    plots: [
      {
        file: 'throughput.svg',
        about: 'CPU time of a request as parts are left out',
        svg: barPlot(
          'CPU time of a request, parts left out one after another',
          'milliseconds',
          ways.map(({ name, cpuMs: { value, low, high } }) => ({ name, value, low, high })),
        ),
      },
    ],
    notes: [
      'By the profile of all of it, a third is the runtime itself (fetch, sockets, SQLite, calls between objects), a tenth onnxruntime, 6 % grouping calls to accounts, 4 % reading bodies, 4 % garbage collection, 3 % zod. The largest part that is ours is the ledger: two commits a request, each an fsync.',
      'Calls to an account that come together are one message and one commit since 2026-11-24; before and after in one run, 16 clients: 417 → 514 requests a second, 2.28 → 1.89 ms of CPU, so the ledger’s part went from 1.0 to 0.6 ms, not quite half; on a disk whose fsync takes milliseconds (the same machine under load), 120 → 174 a second. One client alone gains nothing. What keys do not touch went from 1.59 to 1.23 ms at 16 clients by reading bodies in one step, checking origins’ answers by loops instead of schemas built for each, and our own form of signatures.',
    ],
  };
}

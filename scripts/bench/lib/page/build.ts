// What a build costs, on the page.

import type { BuildReport } from '../../build.bench.ts';
import { barPlot } from '../plot/bars.ts';
import { megabytes, type Line, type Section } from './section.ts';

/** Longest builds from adapters, seconds, by engine. */
const BUILD_SECONDS: Readonly<Record<string, number>> = { tensorflow: 20, wasm: 60 };
const FULL_SECONDS = 180;
const FULL_BYTES = 1.5e9;

/** The section. */
export function buildSection({ results }: BuildReport): Section {
  const [first] = results;
  const secondsFor = (input: string, engine: string): number | undefined =>
    input === 'adapters' ? BUILD_SECONDS[engine] : engine === 'tensorflow' ? FULL_SECONDS : undefined;
  return {
    title: 'Build',
    about:
      'The eight-expert sample pack, router included; each build is a process of its own from start to exit, times are medians over runs that take turns, memory is the largest of all runs.',
    lines: [
      {
        what: 'Pack of the sample: everything but the shared model’s weights',
        target: '≤ 8 MB',
        measured: megabytes(first.pack.rest),
        met: first.pack.rest <= 8e6,
      },
      {
        what: 'Shared model and eight experts over one fp16 model',
        target: '≤ 1.25',
        measured: first.pack.ratio.toFixed(3),
        met: first.pack.ratio <= 1.25,
      },
      ...results.flatMap(({ input, engine, runs, wallSeconds, userSeconds, peakRssBytes }): Line[] => {
        const what = `Build from ${input} on ${engine}`;
        const most = secondsFor(input, engine);
        const isFull = input === 'full checkpoints';
        return [
          {
            what,
            ...(most !== undefined && { target: `≤ ${most} s`, met: wallSeconds.median <= most }),
            measured: `${wallSeconds.median.toFixed(1)} s (shortest ${wallSeconds.min.toFixed(1)}, ${runs} runs; user CPU ${userSeconds.toFixed(1)} s)`,
          },
          {
            what: `${what}: peak RSS`,
            ...(isFull && { target: '≤ 1.5 GB', met: peakRssBytes <= FULL_BYTES }),
            measured: megabytes(peakRssBytes),
          },
        ];
      }),
    ],
    plots: [
      {
        file: 'build.svg',
        about: 'Seconds of a build',
        svg: barPlot(
          'A build of the sample pack',
          'seconds, median',
          results.map(({ input, engine, wallSeconds }) => {
            const target = secondsFor(input, engine);
            return { name: `from ${input}, ${engine}`, value: wallSeconds.median, ...(target !== undefined && { target }) };
          }),
        ),
      },
    ],
    notes: [
      'With the sample pack of before (about the shared model, rank 16), 2026-11-24 at load 3: TensorFlow 17.0 s (diagnosis 2.1, merge 5.7, router 6.0), wasm 17.1 s (diagnosis 2.4, merge 6.8, router 6.2); its pack had 6.8 MB beside the shared model’s weights, 1.150 of one fp16 model.',
      'Merge of eight full fp32 checkpoints (91 MB each) on TensorFlow, router not included, target ≤ 3 min and ≤ 1.5 GB (2026-11-24): 24.5 s, 778 MB. `--full` of build.bench.ts takes it again with the router.',
      '`npm start -- --once` on a fresh clone, target ≤ 3 min after the installation (2026-11-24, load 6): 2 min 42 s with the installation.',
    ],
  };
}

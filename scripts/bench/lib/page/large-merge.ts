// Merges of a billion parameters, on the page.

import type { LargeMergeReport } from '../../large-merge.bench.ts';
import { barPlot } from '../plot/bars.ts';
import type { Section } from './section.ts';

/** The section. */
export function largeMergeSection({ parameters, experts, merges }: LargeMergeReport): Section {
  return {
    title: 'Large static merges',
    about: `${(parameters / 1e9).toFixed(2)} B parameters in the shape of a Llama, ${experts} experts, bfloat16, from disk to disk; the programs take turns on the same files. mergekit maps its inputs into memory, which counts as resident, so its own allocations stand beside it.`,
    lines: merges.map(({ method, who, seconds, peakMegabytes, ownMegabytes, loadAfter }) => ({
      what: `${method}, ${who}`,
      measured: `${seconds.toFixed(1)} s, peak RSS ${peakMegabytes.toFixed(0)} MB (own ${ownMegabytes.toFixed(0)} MB), load ${loadAfter.toFixed(1)}`,
    })),
    plots: [
      {
        file: 'large-merge.svg',
        about: 'Seconds of a large merge',
        svg: barPlot(
          'A static merge of a billion parameters',
          'seconds',
          merges.map(({ method, who, seconds }) => ({ name: `${method}, ${who}`, value: seconds, colour: who === 'mergekit' ? 2 : 0 })),
        ),
      },
    ],
  };
}

// Builds in shards, on the page.

import type { ShardedBuildReport } from '../../sharded-build.bench.ts';
import type { Section } from './section.ts';

/** The section. */
export function shardedBuildSection({ parameters, experts, steps, same }: ShardedBuildReport): Section {
  const counts = [...new Set(steps.map(({ shards }) => shards))];
  return {
    title: 'Builds in shards',
    about: `A random model of ${(parameters / 1e6).toFixed(0)} M parameters in the shape of BERT, ${experts} full experts, TIES, modules of rank 16, on WebAssembly; processes run one after another. The pack has to have the same bytes each time.`,
    lines: counts.map((count) => {
      const own = steps.filter(({ shards, what }) => shards === count && what !== 'join');
      const join = steps.find(({ shards, what }) => shards === count && what === 'join');
      const most = (pick: (step: (typeof own)[number]) => number): number => Math.max(...own.map(pick));
      const joined = join === undefined ? '' : `; join ${join.cpuSeconds.toFixed(0)} s, ${join.peakMegabytes.toFixed(0)} MB`;
      return {
        what: count === 1 ? 'one machine' : `${count} shards, the longest and largest`,
        measured: `${most((step) => step.cpuSeconds).toFixed(0)} CPU seconds, peak RSS ${most((step) => step.peakMegabytes).toFixed(0)} MB${joined}`,
        ...(count > 1 && { target: 'same bytes', met: same }),
      };
    }),
  };
}

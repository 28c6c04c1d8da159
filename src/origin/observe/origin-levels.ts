// What is read when somebody scrapes: levels of packs, their queues, their experts and mixes, and memory.

import type { Series } from '../../core/observe/metric.ts';
import type { MemoryCounts } from '../memory/memory-guard.ts';
import type { ModelTable } from '../model-table.ts';
import type { ORIGIN_METRICS } from './origin-metrics.ts';

type Key = keyof typeof ORIGIN_METRICS;

/** Series of the table's levels. The two models of a pack share what it has, which is told under the name of the one that reads text. */
export function originLevels({ models }: Pick<ModelTable, 'models'>, memory: MemoryCounts | undefined): readonly Series[] {
  const levels: Series[] = [];
  const add = (metric: Key, labels: readonly string[], value: number): void => void levels.push({ metric, labels, values: [value] });
  for (const { name, reads, predictor, batcher } of models) {
    if (reads !== 'text') continue;
    const labels = [name, predictor.version];
    add('pending', labels, batcher.waiting());
    const pages = predictor.pages?.counts();
    add('expertsRegistered', labels, pages?.registered ?? predictor.experts.length);
    if (pages !== undefined) {
      add('expertsResident', labels, pages.resident);
      add('factorBytes', labels, pages.bytes);
      add('pageIns', labels, pages.pageIns);
      add('evictions', labels, pages.evictions);
    }
    const promotions = predictor.promotions?.();
    if (promotions !== undefined) {
      add('promotions', labels, promotions.promoted);
      add('demotions', labels, promotions.demoted);
      add('promotedMixes', labels, promotions.held);
      add('promotedBytes', labels, promotions.bytes);
    }
  }
  if (memory === undefined) return levels;
  add('memoryUsed', [], memory.usedBytes);
  add('memoryCeiling', [], memory.ceilingBytes);
  add('memoryRefused', [], memory.refused);
  add('memoryRelieved', [], memory.relieved);
  return levels;
}

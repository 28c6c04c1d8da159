// What an account's own clock did to its ledger, as metrics: no request sees it.

import type { EntryState } from '../../core/ledger/entry.ts';
import { createMetricSet } from '../../core/observe/metric-set.ts';
import type { EdgeEnv } from '../env.ts';
import { EDGE_METRICS } from './edge-metrics.ts';
import { logFailure } from './log-failure.ts';

/** Counts entries by the state that a sweep moved them to. Never rejects. */
export async function tellSwept({ METRICS }: Pick<EdgeEnv, 'METRICS'>, states: readonly EntryState[]): Promise<void> {
  if (METRICS === undefined || states.length === 0) return;
  const counted = createMetricSet(EDGE_METRICS);
  for (const state of states) counted.add('ledger', ['sweep', state]);
  try {
    await METRICS.getByName('all').count(counted.drain());
  } catch (cause) {
    logFailure('metrics: expected sweeps to be counted', '', cause);
  }
}

// A step of a request's money, watched.

import type { LedgerStep } from './event.ts';
import type { Trip } from './trip.ts';

/** How a step went. */
export interface StepResult {
  readonly outcome: string;
  readonly micros?: number;
}

/**
 * What `work` gives; its time and outcome are noted.
 * @param resultOf literal names of outcomes only; a step that throws is `failed`
 */
export async function ledgerStep<T>(
  trip: Trip | undefined,
  step: LedgerStep,
  work: () => Promise<T>,
  resultOf: (value: T) => StepResult,
): Promise<T> {
  if (trip === undefined) return work();
  const startMs = trip.now();
  let result: StepResult = { outcome: 'failed' };
  try {
    const value = await work();
    result = resultOf(value);
    return value;
  } finally {
    trip.note({ kind: 'ledger', step, outcome: result.outcome, micros: result.micros ?? 0, startMs, ms: trip.now() - startMs });
  }
}

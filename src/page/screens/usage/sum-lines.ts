// A statement's lines, summed by day and by config.

import type { StatementLine } from '../../../contract/usage.ts';
import { dayKey } from '../../format/time.ts';

/** One sum. */
export interface DaySum {
  /** `2026-11-24`, UTC. */
  readonly day: string;
  /** The configs that answered, joined; `–` where none is known. */
  readonly config: string;
  readonly requests: number;
  readonly answers: number;
  readonly tokens: number;
  readonly micros: number;
}

/** Sums of what was charged, the latest day first and within it the dearest config. */
export function sumLines(lines: readonly StatementLine[]): readonly DaySum[] {
  const sums = new Map<string, DaySum>();
  for (const { at_ms, state, charged_micros, usage } of lines) {
    if (state !== 'settled') continue;
    const day = dayKey(at_ms);
    const config = usage === undefined || usage.configs.length === 0 ? '–' : usage.configs.join(', ');
    const key = `${day} ${config}`;
    const sum = sums.get(key) ?? { day, config, requests: 0, answers: 0, tokens: 0, micros: 0 };
    sums.set(key, {
      ...sum,
      requests: sum.requests + 1,
      answers: sum.answers + (usage?.answers ?? 0),
      tokens: sum.tokens + (usage?.tokens ?? 0),
      micros: sum.micros + charged_micros,
    });
  }
  return [...sums.values()].sort((a, b) => b.day.localeCompare(a.day) || b.micros - a.micros);
}

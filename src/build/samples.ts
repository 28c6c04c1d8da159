// One sample a task for `twinroute dev`: the first example of each expert that came with any.

import type { PlannedExpert } from './plan.ts';

/** Name of the samples in a pack. */
export const SAMPLES_FILE = 'samples.jsonl';

/** JSONL of `{text, text_pair?, expert}`. */
export function sampleLines(experts: readonly Pick<PlannedExpert, 'name' | 'examples'>[]): string {
  return experts
    .flatMap(({ name, examples: [first] }) => (first === undefined ? [] : [{ text: first.text, text_pair: first.text_pair, expert: name }]))
    .map((sample) => `${JSON.stringify(sample)}\n`)
    .join('');
}

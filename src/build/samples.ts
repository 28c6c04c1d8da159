// One sample a task, to try a pack with: the first example of each expert that came with any.

import * as z from 'zod/mini';
import { parseJsonl } from '../formats/jsonl.ts';
import type { Pack } from '../formats/pack.ts';
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

const Sample = z.strictObject({ text: z.string(), text_pair: z.optional(z.string()), expert: z.string() });

/** One sample of a pack. */
export type Sample = z.infer<typeof Sample>;

/** The pack's samples; none when it was built without examples. */
export async function readSamples(pack: Pack): Promise<readonly Sample[]> {
  if (pack.manifest.files[SAMPLES_FILE] === undefined) return [];
  return parseJsonl(Sample, await pack.text(SAMPLES_FILE), `${pack.name}/${SAMPLES_FILE}`);
}

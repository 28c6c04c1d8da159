// Texts of the lengths that people send: rows of the experts' own data sets, every task alike.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../../../src/cli/package-root.ts';
import type { Random } from '../../../../src/core/random.ts';
import type { TokenRow } from '../../../../src/model/encoder-feeds.ts';
import type { Predictor } from '../../../../src/origin/predictor.ts';

/** A text as a request has it. */
export interface LabText {
  readonly text: string;
  readonly text_pair?: string;
}

/** Reads as many test rows of each task as there are of the shortest. */
export function readTexts(tasks: readonly string[]): readonly LabText[] {
  const byTask = tasks.map((task) =>
    readFileSync(join(PACKAGE_ROOT, '../shared/data/tasks', task, 'test.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line): LabText => JSON.parse(line)),
  );
  const count = Math.min(...byTask.map(({ length }) => length));
  return byTask.flatMap((texts) => texts.slice(0, count));
}

/** As many of them as wanted, as tokens. */
export function drawRows(
  texts: readonly LabText[],
  count: number,
  { encode }: Pick<Predictor, 'encode'>,
  random: Random,
): readonly TokenRow[] {
  return Array.from({ length: count }, () => {
    const { text, text_pair: pair } = texts[random.below(texts.length)];
    const { ids, types } = encode(text, pair);
    return { ids, types };
  });
}

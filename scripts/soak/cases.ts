// The questions of a soak, each with the answer that it got when nothing else was asked.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { readSamples } from '../../src/build/samples.ts';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { Prediction } from '../../src/contract/http.ts';
import type { Random } from '../../src/core/random.ts';
import type { Pack } from '../../src/formats/pack.ts';
import { askEdge, inferRows } from './ask.ts';

/** A row for the origin. */
export interface Row {
  readonly text: string;
  readonly pair: string;
  readonly head: string;
  /** Over all experts of the pack. */
  readonly mix: readonly number[];
  /** Of the head, behind which zeros fill the width. */
  readonly logits: readonly number[];
}

/** A text for the edge. */
export interface Question {
  readonly text: string;
  readonly pair: string;
  readonly task: string;
  readonly scores: Readonly<Record<string, number>>;
}

/** All questions. */
export interface Cases {
  /** Of one expert each, by expert. */
  readonly single: readonly (readonly Row[])[];
  /** Of two experts, or of none. */
  readonly mixed: readonly Row[];
  readonly questions: readonly Question[];
}

/** Texts of each expert. */
const TEXTS = 10;
const MIXED = 80;

const Example = z.object({ text: z.string(), text_pair: z.optional(z.string()) });
type Example = z.infer<typeof Example>;

/** Asks for every answer once, one by one. */
export async function makeCases(pack: Pack, urls: { readonly origin: string; readonly edge: string }, random: Random): Promise<Cases> {
  const names = pack.manifest.experts.map(({ name }) => name);
  const texts = new Map<string, readonly Example[]>();
  for (const name of names) texts.set(name, await textsOf(pack, name, random));
  const draw = (head: string): Example => pick(texts.get(head) ?? [], random);
  const row = async (head: string, { text, text_pair: pair = '' }: Example, mix: readonly number[]): Promise<Row> => {
    const asked = { text, pair, head, mix };
    const { status, logits } = await inferRows(urls.origin, pack.manifest.name, [asked], 'json');
    if (status !== 200) throw new Error(`soak: expected a first answer, got ${status}`);
    return { ...asked, logits: logits[0] };
  };
  const single: Row[][] = [];
  for (const [e, head] of names.entries()) {
    const own: Row[] = [];
    for (const example of texts.get(head) ?? []) own.push(await row(head, example, weights(names.length, [[e, 1]])));
    single.push(own);
  }
  const mixed: Row[] = [];
  for (let i = 0; i < MIXED; i++) {
    const head = pick(names, random);
    const share = random.below(256) / 256;
    const pair = [random.below(names.length), random.below(names.length)];
    const empty = i % 8 === 0;
    mixed.push(
      await row(
        head,
        draw(head),
        weights(
          names.length,
          empty
            ? []
            : [
                [pair[0], share],
                [pair[1], 1 - share],
              ],
        ),
      ),
    );
  }
  const questions: Question[] = [];
  for (const task of names)
    for (const { text, text_pair: pair = '' } of (texts.get(task) ?? []).slice(0, 4)) {
      const response = await askEdge(urls.edge, { text, task, ...(pair !== '' && { text_pair: pair }) });
      questions.push({ text, pair, task, scores: z.parse(Prediction, await response.json()).scores });
    }
  return { single, mixed, questions };
}

/** The expert's written examples where they lie in this checkout, the pack's samples elsewhere. */
async function textsOf(pack: Pack, name: string, random: Random): Promise<readonly Example[]> {
  const file = join(PACKAGE_ROOT, 'experts', name, 'examples.jsonl');
  const all: readonly unknown[] = existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line))
    : (await readSamples(pack)).filter(({ expert }) => expert === name);
  return Array.from({ length: Math.min(TEXTS, all.length) }, () => z.parse(Example, pick(all, random)));
}

/** One of the items. */
export function pick<T>(items: readonly T[], random: Random): T {
  return items[random.below(items.length)];
}

function weights(experts: number, entries: readonly (readonly [number, number])[]): readonly number[] {
  const mix = Array.from({ length: experts }, () => 0);
  for (const [e, weight] of entries) mix[e] += weight;
  return mix;
}

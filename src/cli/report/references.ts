// What a pack is held against: each expert itself, and the base under each expert's head.

import type { Progress } from '../../core/progress.ts';
import type { Pack } from '../../formats/pack.ts';
import type { Individual } from '../quality/evaluate-pack.ts';
import { predictIndividual } from '../quality/individual.ts';
import { forEachExpert, individualsOf, type IndividualOptions } from '../quality/individuals-of.ts';
import type { TaskData } from '../quality/read-data.ts';

/** References of a pack's tasks. */
export interface References {
  readonly individual: Individual;
  /** Predictions by θ_0 with the expert's head, by task; empty without checkpoints. */
  readonly base: ReadonlyMap<string, readonly number[]>;
}

/** Finds references, each once: packs of the same experts share them. */
export type FindReferences = (pack: Pack, data: ReadonlyMap<string, TaskData>) => Promise<References>;

/**
 * References from the checkpoints where those are at hand, else the experts' own scores from the manifest.
 *
 * The base has no head of its own, so it answers with the expert's, which was trained on another encoder: what fine-tuning of the encoder
 * is worth, not what a base with a head of its own would reach.
 */
export function createReferences(options: IndividualOptions, progress: Progress): FindReferences {
  const known = new Map<string, Promise<References>>();
  return (pack, data) => {
    const { experts } = options;
    if (experts === undefined)
      return individualsOf(pack, data, options, progress).then((individual) => ({
        individual,
        base: new Map<string, readonly number[]>(),
      }));
    const key = keyOf(pack, [...data.keys()]);
    const references = known.get(key) ?? fromCheckpoints(pack, data, experts, progress);
    known.set(key, references);
    return references;
  };
}

/** Everything that predictions depend on. */
function keyOf({ manifest }: Pack, tasks: readonly string[]): string {
  const { base, tokenizer, files, max_tokens: maxTokens, experts } = manifest;
  return JSON.stringify([
    base.sha256,
    files[tokenizer.file]?.sha256,
    files[tokenizer.config_file]?.sha256,
    maxTokens,
    experts.filter(({ name }) => tasks.includes(name)).map(({ name, provenance }) => [name, provenance.sha256]),
  ]);
}

async function fromCheckpoints(pack: Pack, data: ReadonlyMap<string, TaskData>, path: string, progress: Progress): Promise<References> {
  const own = new Map<string, readonly number[]>();
  const base = new Map<string, readonly number[]>();
  await forEachExpert(pack, data, path, progress, async (name, expert, task) => {
    own.set(name, await predictIndividual(expert, task));
    const unchanged = { ...expert.source, parameter: () => ({ kind: 'same' }) as const };
    base.set(name, await predictIndividual({ ...expert, source: unchanged }, task));
  });
  return { individual: { scores: new Map(), predictions: own }, base };
}

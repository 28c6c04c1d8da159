// The tasks of an entropy: each classifier that came with texts, a part of them held back, and its head on the engine.

import { createRandom } from '../../core/random.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import type { Tfjs } from '../engine/engine.ts';
import type { AdaptExpert, AdaptInput } from './adapt-input.ts';
import type { EntropyTask, HeadTensors } from './entropy.ts';
import { drawRows, tokenRows } from './token-batches.ts';

/** Share of each task's texts that is held back. */
const HELD_BACK = 0.2;

/** A task of the loss. */
export interface LearningTask {
  readonly name: string;
  /** Place among the experts. */
  readonly expert: number;
  readonly train: readonly TokenRow[];
  readonly heldBack: readonly TokenRow[];
  readonly head: HeadTensors;
}

/**
 * The tasks that have an entropy; their heads are to be disposed of.
 * @param name of the method, for messages
 * @throws {TwinrouteError} `config` when no expert has both classes and texts
 */
export function openTasks(
  tf: Tfjs,
  name: string,
  input: Pick<AdaptInput, 'tokenizer' | 'maxTokens' | 'seed'> & { readonly experts: readonly AdaptExpert[] },
): readonly LearningTask[] {
  const rows = tokenRows(input);
  const tasks = input.experts.flatMap(({ name: task, source }, expert): LearningTask[] => {
    if (source.problem === 'regression' || rows[expert].length === 0) return [];
    const shuffled = createRandom(input.seed, `adapt ${task} held back`).shuffle([...rows[expert]]);
    const count = Math.floor(HELD_BACK * shuffled.length);
    const { weight, bias } = source.head;
    return [
      {
        name: task,
        expert,
        train: shuffled.slice(count),
        // A handful of texts has none to spare: those it learns from judge, too.
        heldBack: count === 0 ? shuffled : shuffled.slice(0, count),
        head: { weight: tf.tensor(weight.data, [...weight.shape]), bias: tf.tensor(bias.data, [...bias.shape]) },
      },
    ];
  });
  if (tasks.length > 0) return tasks;
  throw new TwinrouteError('config', `${name}: expected texts (examples) of at least one classifier, got none`, { param: 'models' });
}

/** Names of the experts that no task is of: a regression, or none with texts. */
export function withoutTask(experts: readonly AdaptExpert[], tasks: readonly LearningTask[]): readonly string[] {
  return experts.flatMap(({ name }, expert) => (tasks.some((task) => task.expert === expert) ? [] : [name]));
}

/** How many texts are learnt from and held back. */
export function textsOf(tasks: readonly LearningTask[]): { train: number; held_back: number } {
  const total = (of: (task: LearningTask) => number): number => tasks.reduce((sum, task) => sum + of(task), 0);
  return { train: total(({ train }) => train.length), held_back: total(({ heldBack }) => heldBack.length) };
}

/** What step `step` learns from. */
export function drawTasks(tasks: readonly LearningTask[], step: number, batch: number, seed: number): readonly EntropyTask[] {
  return tasks.map(({ name, train, head }) => ({ rows: drawRows(train, step, batch, seed, name), head }));
}

// Learning by falling entropy: Adam down the entropy of answers to unlabelled texts, or a loss made of it; stopped when texts that it does not learn from gain nothing,
// and gone on with after a crash.

import type { AdamState } from '../../core/adam.ts';
import { stepAdam } from '../../core/adam.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { AdaptDeps } from './adapt-input.ts';
import { readDescent, startDescent, writeDescent, type Descent } from './descent-state.ts';
import type { EntropyTask } from './entropy.ts';
import { drawTasks, type LearningTask } from './learning-tasks.ts';

/** Steps between two looks at the held-back texts; each leaves a checkpoint. */
const CHECK_STEPS = 20;
/** Looks without a lower entropy after which learning ends. */
const PATIENCE = 5;

/** A model on the engine whose answers depend on numbers that can be learnt. */
export interface Learnable {
  /** The loss: Σ over tasks of the mean entropy, or what a model makes of it. */
  entropy(values: readonly number[], tasks: readonly EntropyTask[]): Promise<number>;
  /** Its gradient with respect to every number. */
  gradient(values: readonly number[], tasks: readonly EntropyTask[]): Promise<number[]>;
  /** Takes everything off the engine. */
  dispose(): void;
}

/** What is learnt, from where, and how. */
export interface DescentPlan {
  /** For messages. */
  readonly name: string;
  /** Content hash of everything that the result depends on but the engine and the number of values. */
  readonly id: string;
  readonly start: readonly number[];
  /** Values that stay as they are. */
  readonly holds?: (place: number) => boolean;
  readonly tasks: readonly LearningTask[];
  readonly steps: number;
  readonly rate: number;
  /** Texts of each task in a step. */
  readonly batch: number;
  readonly seed: number;
}

/** Values of the lowest entropy on held-back texts. */
export interface Lowest {
  readonly values: readonly number[];
  readonly entropy: number;
  /** Step after which they were found, 0 for those of the start. */
  readonly step: number;
  /** Entropy of the start. */
  readonly startEntropy: number;
}

/**
 * Learns. Same plan and engine give the same values, interrupted or not.
 * @throws {TwinrouteError} `numeric` when the entropy is not finite
 * Cost: a step is a forward and a backward pass over `batch` texts of each task
 */
export async function descend(model: Learnable, plan: DescentPlan, { engine, progress, checkpoint }: AdaptDeps): Promise<Lowest> {
  const { name, start, holds = () => false, tasks, steps, rate, batch, seed } = plan;
  const watched = tasks.map(({ heldBack, head }) => ({ rows: heldBack, head }));
  const key = `${plan.id} ${name} ${engine.name} ${start.length}`;
  let state: Descent = (await readDescent(checkpoint, key, start.length)) ?? startDescent(key, start, await model.entropy(start, watched));
  const tell = (done: number): void =>
    progress({ stage: 'adapt', done, total: steps, note: `entropy ${state.best.entropy.toFixed(4)} at step ${state.best.step}` });
  const isDone = ({ adam, best }: Descent): boolean => adam.step >= steps || adam.step - best.step >= PATIENCE * CHECK_STEPS;
  while (!isDone(state)) {
    tell(state.adam.step);
    const gradient = await model.gradient(state.adam.values, drawTasks(tasks, state.adam.step, batch, seed));
    const held = gradient.map((value, place) => (holds(place) ? 0 : value));
    const adam: AdamState = stepAdam(state.adam, held, rate);
    state = { ...state, adam };
    if (adam.step % CHECK_STEPS !== 0 && adam.step !== steps) continue;
    const entropy = await model.entropy(adam.values, watched);
    if (!Number.isFinite(entropy))
      throw new TwinrouteError('numeric', `${name}: expected a finite entropy, got ${entropy} at step ${adam.step}; try a lower rate`);
    if (entropy < state.best.entropy) state = { ...state, best: { step: adam.step, entropy, values: adam.values } };
    await writeDescent(checkpoint, state);
  }
  tell(steps);
  return { ...state.best, startEntropy: state.startEntropy };
}

// AdaMerging's learning: Adam on the coefficients of a merge, down the entropy of its answers to unlabelled texts; stopped when texts that
// it does not learn from gain nothing, and gone on with after a crash.

import { stepAdam } from '../../core/adam.ts';
import { withCoefficients } from '../../core/merge/ada-merging.ts';
import type { CoefficientMethod } from '../../core/merge/adaptive.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import type { TokenRow } from '../../model/encoder-feeds.ts';
import type { AdaptDeps, AdaptInput, MethodOf } from './adapt-input.ts';
import { readAdaState, startAdaState, type AdaState } from './ada-state.ts';
import type { HeadTensors } from './entropy.ts';
import { createMergedEncoder } from './merged-encoder.ts';
import { drawRows, tokenRows } from './token-batches.ts';

/** Share of each task's texts that is held back. */
const HELD_BACK = 0.2;
/** Steps between two looks at the held-back texts; each leaves a checkpoint. */
const CHECK_STEPS = 20;
/** Looks without a lower entropy after which learning ends. */
const PATIENCE = 5;

/** A task of the loss. */
interface Task {
  readonly name: string;
  /** Place among the experts. */
  readonly expert: number;
  readonly train: readonly TokenRow[];
  readonly heldBack: readonly TokenRow[];
  readonly head: HeadTensors;
}

/**
 * Learns the coefficients of a merge. Same input and engine give the same coefficients, interrupted or not.
 * @throws {TwinrouteError} `config` when no expert has both classes and texts; `numeric` when the entropy is not finite
 * Cost: a step is a forward and a backward pass over `batch` texts of each task
 */
export async function fitCoefficients(input: AdaptInput<CoefficientMethod>, deps: AdaptDeps): Promise<MethodOf> {
  const { method, experts } = input;
  const tasks = openTasks(input, deps);
  const encoder = await createMergedEncoder(input, deps);
  try {
    const values = await learn(input, deps, tasks, encoder);
    const groups = new Map(encoder.names.map((name, place) => [name, encoder.groups === 1 ? 0 : place]));
    return (parameter) => {
      const start = (groups.get(parameter) ?? 0) * experts.length;
      return withCoefficients(method, values.slice(start, start + experts.length));
    };
  } finally {
    encoder.dispose();
    deps.engine.tf.dispose(tasks.flatMap(({ head }) => [head.weight, head.bias]));
  }
}

/** The tasks that have an entropy. */
function openTasks(input: AdaptInput, { engine: { tf }, progress }: AdaptDeps): readonly Task[] {
  const rows = tokenRows(input);
  const tasks = input.experts.flatMap(({ name, source }, expert): Task[] => {
    if (source.problem === 'regression' || rows[expert].length === 0) return [];
    const shuffled = createRandom(input.seed, `adapt ${name} held back`).shuffle([...rows[expert]]);
    const count = Math.floor(HELD_BACK * shuffled.length);
    const { weight, bias } = source.head;
    return [
      {
        name,
        expert,
        train: shuffled.slice(count),
        // A handful of texts has none to spare: those it learns from judge, too.
        heldBack: count === 0 ? shuffled : shuffled.slice(0, count),
        head: { weight: tf.tensor(weight.data, [...weight.shape]), bias: tf.tensor(bias.data, [...bias.shape]) },
      },
    ];
  });
  const without = input.experts.flatMap(({ name }) => (tasks.some((task) => task.name === name) ? [] : [name]));
  if (tasks.length === 0)
    throw new TwinrouteError('config', `${input.method.name}: expected texts (examples) of at least one classifier, got none`, {
      param: 'models',
    });
  const note = without.length === 0 ? 'all tasks' : `without ${without.join(', ')} (a regression or no texts): λ stays`;
  progress({ stage: 'adapt', done: 0, total: input.parameters['steps'], note });
  return tasks;
}

/** Coefficients `[groups · T]` of the lowest entropy on held-back texts. */
async function learn(
  { id, method, parameters, experts, seed }: AdaptInput,
  { engine, progress, checkpoint }: AdaptDeps,
  tasks: readonly Task[],
  encoder: Awaited<ReturnType<typeof createMergedEncoder>>,
): Promise<readonly number[]> {
  const { lambda, steps, rate, batch } = parameters;
  const count = experts.length;
  const learns = experts.map((_, expert) => tasks.some((task) => task.expert === expert));
  const watched = tasks.map(({ heldBack, head }) => ({ rows: heldBack, head }));
  const start = Array.from({ length: encoder.groups * count }, () => lambda);
  const key = `${id} ${method.name} ${engine.name} ${start.length}`;
  let state: AdaState = (await readAdaState(checkpoint, key)) ?? startAdaState(key, start, await encoder.entropy(start, watched));
  const tell = (): void =>
    progress({
      stage: 'adapt',
      done: state.adam.step,
      total: steps,
      note: `entropy ${state.best.entropy.toFixed(4)} at step ${state.best.step}`,
    });
  const isDone = ({ adam, best }: AdaState): boolean => adam.step >= steps || adam.step - best.step >= PATIENCE * CHECK_STEPS;
  while (!isDone(state)) {
    tell();
    const { step } = state.adam;
    const drawn = tasks.map(({ name, train, head }) => ({ rows: drawRows(train, step, batch, seed, name), head }));
    const gradient = await encoder.gradient(state.adam.values, drawn);
    const held = gradient.map((value, i) => (learns[i % count] ? value : 0));
    const adam = stepAdam(state.adam, held, rate);
    state = { ...state, adam: { step: adam.step, values: [...adam.values], mean: [...adam.mean], square: [...adam.square] } };
    if (adam.step % CHECK_STEPS !== 0 && adam.step !== steps) continue;
    const entropy = await encoder.entropy(adam.values, watched);
    if (!Number.isFinite(entropy))
      throw new TwinrouteError(
        'numeric',
        `${method.name}: expected a finite entropy, got ${entropy} at step ${adam.step}; try a lower rate`,
      );
    if (entropy < state.best.entropy) state = { ...state, best: { step: adam.step, entropy, values: [...adam.values] } };
    await checkpoint.write(JSON.stringify(state));
  }
  progress({ stage: 'adapt', done: steps, total: steps, note: `entropy ${state.best.entropy.toFixed(4)} at step ${state.best.step}` });
  return state.best.values;
}

// AdaMerging's learning: the coefficients of a merge, down the entropy of its answers to unlabelled texts.

import { withCoefficients } from '../../core/merge/ada-merging.ts';
import type { CoefficientMethod } from '../../core/merge/adaptive.ts';
import type { AdaptDeps, Adapted, AdaptInput } from './adapt-input.ts';
import { descend } from './descend.ts';
import { openTasks, textsOf, withoutTask } from './learning-tasks.ts';
import { createMergedEncoder } from './merged-encoder.ts';

/**
 * Learns the coefficients of a merge. Same input and engine give the same coefficients, interrupted or not.
 * @throws {TwinrouteError} `config` when no expert has both classes and texts; `numeric` when the entropy is not finite
 * Cost: a step is a forward and a backward pass over `batch` texts of each task
 */
export async function fitCoefficients(input: AdaptInput<CoefficientMethod>, deps: AdaptDeps): Promise<Adapted> {
  const { id, method, experts, seed } = input;
  const { lambda, steps, rate, batch } = input.parameters;
  const { tf } = deps.engine;
  const count = experts.length;
  const tasks = openTasks(tf, method.name, input);
  const without = withoutTask(experts, tasks);
  const note = without.length === 0 ? 'all tasks' : `without ${without.join(', ')} (a regression or no texts): λ stays`;
  deps.progress({ stage: 'adapt', done: 0, total: steps, note });
  const encoder = await createMergedEncoder(input, deps);
  try {
    const start = Array.from({ length: encoder.groups * count }, () => lambda);
    const holds = (place: number): boolean => without.includes(experts[place % count].name);
    const lowest = await descend(encoder, { name: method.name, id, start, holds, tasks, steps, rate, batch, seed }, deps);
    const groups = new Map(encoder.names.map((name, place) => [name, encoder.groups === 1 ? 0 : place]));
    const valuesOf = (group: number): readonly number[] => lowest.values.slice(group * count, (group + 1) * count);
    return {
      methodOf: (parameter) => withCoefficients(method, valuesOf(groups.get(parameter) ?? 0)),
      learnt: {
        kind: 'coefficients',
        tensors: encoder.groups === 1 ? [] : [...encoder.names],
        values: Object.fromEntries(
          experts.map(({ name }, t) => [name, Array.from({ length: encoder.groups }, (_, group) => sixDigits(valuesOf(group)[t]))]),
        ),
        held: [...without],
        rows: textsOf(tasks),
        entropy: { start: lowest.startEntropy, kept: lowest.entropy, step: lowest.step },
      },
    };
  } finally {
    encoder.dispose();
    tf.dispose(tasks.flatMap(({ head }) => [head.weight, head.bias]));
  }
}

function sixDigits(value: number): number {
  return Number(value.toPrecision(6));
}

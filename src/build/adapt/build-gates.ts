// The gates of a pack: learnt over the shared model and the modules as they were written, so that what is learnt on is what is served.

import { startGates } from '../../core/merge/wemoe.ts';
import { floatTensor, sizeOf } from '../../core/tensor.ts';
import type { Manifest, ManifestGates } from '../../contract/manifest.ts';
import { loadExpert, type LoadedExpert } from '../../formats/expert-file.ts';
import { readTensors } from '../../formats/read-tensors.ts';
import { storeFloats, writeSafetensors } from '../../formats/safetensors-writer.ts';
import type { FolderSource } from '../../formats/source.ts';
import { gateParameters, isLastLayer } from '../../model/gate.ts';
import { SHARED_FORMATS } from '../merge-models.ts';
import { openWritten } from '../open-written.ts';
import type { PackFiles } from '../pack-files.ts';
import type { BuildPlan } from '../plan.ts';
import type { AdaptDeps } from './adapt-input.ts';
import { descend } from './descend.ts';
import { createGatedEncoder } from './gated-encoder.ts';
import { openTasks, textsOf, withoutTask } from './learning-tasks.ts';

const GATES_FILE = 'gates.safetensors';
/** λ of gates beside a shared model that has none. */
const LAMBDA = 0.3;

/**
 * Learns the gates of a plan and writes their file; undefined for a method without gates. Same plan and engine give the same gates, interrupted
 * or not.
 * @param draft the pack in the making: shared model and experts are written, as `manifest` says
 * @throws {TwinrouteError} `config` when no expert has both classes and texts; `numeric` when the entropy is not finite
 * Cost: a step is a forward and a backward pass over `batch` texts of each task; memory the shared model and all factors in f32
 */
export async function buildGates(
  plan: BuildPlan,
  manifest: Pick<Manifest, 'shared' | 'experts'>,
  files: PackFiles,
  draft: FolderSource,
  deps: AdaptDeps,
): Promise<ManifestGates | undefined> {
  const { gates, model, config, id } = plan;
  if (gates === undefined) return undefined;
  const { tf } = deps.engine;
  const { layers, per, steps, rate, batch, diversity } = gates;
  const { seed } = config.parameters;
  const name = config.merge_method;
  const shared = await readTensors(await openWritten(draft, manifest.shared.file), model.parameters);
  const experts: LoadedExpert[] = [];
  for (const expert of manifest.experts) experts.push(await loadExpert(await openWritten(draft, expert.file), expert, model.width));
  const tasks = openTasks(tf, name, { ...plan, seed });
  const without = withoutTask(plan.experts, tasks);
  const note = without.length === 0 ? 'all tasks' : `without ${without.join(', ')} (a regression or no texts)`;
  deps.progress({ stage: 'adapt', done: 0, total: steps, note });
  const specs = gateParameters(model, gates, experts.length);
  const start = startGates(specs, isLastLayer, plan.parameters['lambda'] ?? LAMBDA, seed);
  const seen = tasks.flatMap(({ train }) => train);
  const encoder = await createGatedEncoder(tf, { model, gates, shared, experts }, { start, rows: seen, diversity });
  try {
    const lowest = await descend(encoder, { name, id, start, tasks, steps, rate, batch, seed }, deps);
    const { stored, format } = SHARED_FORMATS[config.dtype];
    const values = encoder.folded(lowest.values);
    let first = 0;
    const tensors = specs.map(({ name: parameter, shape }) => {
      const { data } = floatTensor(shape, Float32Array.from(values.slice(first, (first += sizeOf(shape)))));
      return { name: parameter, dtype: stored, shape, data: () => storeFloats(data, stored) };
    });
    await files.write(GATES_FILE, writeSafetensors(tensors));
    return {
      file: GATES_FILE,
      format,
      layers,
      per,
      rows: textsOf(tasks),
      loss: { start: lowest.startEntropy, kept: lowest.entropy, step: lowest.step },
    };
  } finally {
    encoder.dispose();
    tf.dispose(tasks.flatMap(({ head }) => [head.weight, head.bias]));
  }
}

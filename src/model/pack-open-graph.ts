// A pack as an open graph and the merge that feeds it: what createMergedSession serves.

import { TwinrouteError } from '../core/errors.ts';
import type { FloatTensor } from '../core/tensor.ts';
import type { FloatPrecision } from '../formats/onnx/graph.ts';
import { expertOf, holdInMemory, type Pack } from '../formats/pack.ts';
import type { WeightInputs } from './merged-session.ts';
import { emitOpenGraph, openWeights } from './open-graph.ts';
import { openPackWeights } from './pack-weights.ts';

/** An open graph with its merge. */
export interface PackOpenGraph {
  readonly model: Uint8Array;
  /** Merged weights of a mix over the resident experts, in their order. */
  readonly merge: (mix: Float32Array) => Promise<WeightInputs>;
}

/**
 * The open graph of a pack: inputs are the parameters that a resident expert changes.
 * @param experts names of the resident experts, in the order of mixes
 * @throws {TwinrouteError} as `openPackWeights`
 * Cost: the shared model in f32 twice while it is made; afterwards the files of the resident experts in memory, as they are stored
 */
export async function packOpenGraph(pack: Pack, experts: readonly string[], precision: FloatPrecision = 'fp32'): Promise<PackOpenGraph> {
  const { shared } = pack.manifest;
  const entries = experts.map((name) => expertOf(pack.manifest, name));
  const files = [shared.file, shared.fade?.file, shared.unified?.file, ...entries.map((entry) => entry.file)].filter(
    (file) => file !== undefined,
  );
  const weights = await openPackWeights(await holdInMemory(pack, files));
  const { architecture, config, parameters } = weights.model;
  const changed = [...entries.flatMap((entry) => entry.tensors), ...(shared.fade?.tensors ?? [])].filter(
    ({ kind }) => kind !== 'unchanged',
  );
  const open = new Set(changed.map(({ name }) => name));
  const plain = new Map<string, FloatTensor>();
  for (const { name } of parameters) plain.set(name, await weights.shared(name));
  const model = emitOpenGraph(architecture, config, (name) => lookUp(plain, name), open, [], { precision });
  const shapes = new Map(
    parameters.map(({ name, shape }): [string, FloatTensor] => [name, { dtype: 'float32', shape, data: new Float32Array() }]),
  );
  return {
    model,
    async merge(mix) {
      const entriesOfMix = experts.flatMap((expert, e) => (mix[e] > 0 ? [{ expert, weight: mix[e] }] : []));
      const merged = new Map(shapes);
      for (const name of open) merged.set(name, await weights.folded(name, entriesOfMix));
      return openWeights(architecture, config, (name) => lookUp(merged, name), open);
    },
  };
}

function lookUp(tensors: ReadonlyMap<string, FloatTensor>, name: string): FloatTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new TwinrouteError('internal', `packOpenGraph: expected a parameter of the architecture, got ${name}`);
  return tensor;
}

// From a pack to the graph that serves it: the shared model, and the modules and heads of those experts that are to be resident.

import { TwinrouteError } from '../core/errors.ts';
import type { Matrix } from '../core/linalg/matrix.ts';
import { expectFinite } from '../core/assert-finite.ts';
import { expectFloat, floatTensor, type FloatTensor } from '../core/tensor.ts';
import { loadExpert, openModules, readModules, type LoadedModule } from '../formats/expert-file.ts';
import { expertOf, type Pack } from '../formats/pack.ts';
import { openSafetensors } from '../formats/safetensors.ts';
import { emitTwinGraph } from './onnx-emitter.ts';
import { openArchitecture } from './registry.ts';
import type { ExclusiveModule, GraphExpert, GraphHead } from './twin-parameters.ts';

/**
 * ONNX bytes of a pack's merge.
 * @param experts names of the resident experts, in the order of the graph's `mix` columns and heads
 * @throws {TwinrouteError} `unsupported` for a method without factors; `not_found` for an expert that the pack lacks; `integrity` and `format` when a file is not what the manifest says
 * Cost: the shared model in f32 twice (read and graph), and the experts' factors in f32
 */
export async function packGraph(pack: Pack, experts: readonly string[]): Promise<Uint8Array> {
  const { manifest } = pack;
  if (manifest.method !== 'twin')
    throw new TwinrouteError(
      'unsupported',
      `${pack.name}: expected factored modules, got a pack of ${manifest.method}, whose mixes have to be merged (--mix) before they are one graph`,
    );
  const model = openArchitecture(manifest.architecture.type, manifest.architecture.config);
  const shared = await readShared(pack, model.parameters);
  const graphExperts: GraphExpert[] = [];
  const heads: GraphHead[] = [];
  for (const name of experts) {
    const entry = expertOf(manifest, name);
    const { modules, head } = await loadExpert(await pack.source(entry.file), entry, model.width);
    graphExperts.push({ name, module: (parameter) => toModule(modules.get(parameter)) });
    heads.push(head);
  }
  const { fade } = manifest.shared;
  const fadeModules = fade && (await readModules(await openModules(await pack.source(fade.file), fade), fade));
  const graphFade = fadeModules && { name: 'fade', module: (parameter: string) => toModule(fadeModules.get(parameter)) };
  return emitTwinGraph(model.architecture, model.config, (name) => lookUp(shared, name), graphExperts, heads, graphFade);
}

async function readShared(
  pack: Pack,
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
): Promise<ReadonlyMap<string, FloatTensor>> {
  const file = await openSafetensors(await pack.source(pack.manifest.shared.file));
  const tensors = new Map<string, FloatTensor>();
  for (const { name, shape } of parameters) {
    const title = `${file.name}: ${name}`;
    tensors.set(name, expectFinite(expectFloat(await file.readFloat(name), shape, title), title));
  }
  return tensors;
}

function lookUp(tensors: ReadonlyMap<string, FloatTensor>, name: string): FloatTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new TwinrouteError('internal', `packGraph: expected a parameter of the architecture, got ${name}`);
  return tensor;
}

function toModule(module: LoadedModule | undefined): ExclusiveModule | undefined {
  return module?.kind === 'factored' ? { kind: 'factored', u: toTensor(module.u), v: toTensor(module.v) } : module;
}

function toTensor({ rows, cols, data }: Matrix): FloatTensor {
  return floatTensor([rows, cols], data);
}

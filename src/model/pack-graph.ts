// From a pack to the graph that serves it: the shared model, and the modules and heads of those experts that are to be resident. Gates weigh all
// experts of their pack, so all modules are in a graph with gates, whoever is resident.

import { TwinrouteError } from '../core/errors.ts';
import { WEMOE_FORMS, wemoeForm } from '../core/merge/wemoe.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Matrix } from '../core/linalg/matrix.ts';
import { floatTensor, type FloatTensor } from '../core/tensor.ts';
import { loadExpert, openModules, readModules, type LoadedExpert, type LoadedModule } from '../formats/expert-file.ts';
import { expertOf, type Pack } from '../formats/pack.ts';
import type { FloatPrecision } from '../formats/onnx/graph.ts';
import { readTensors } from '../formats/read-tensors.ts';
import { gateParameters } from './gate.ts';
import { emitTwinGraph } from './onnx-emitter.ts';
import { openArchitecture } from './registry.ts';
import type { ExclusiveModule, GraphExpert, GraphHead } from './twin-parameters.ts';

/** What of a pack a graph is made from; so much is there before the pack is. */
export type DraftPack = Pick<Pack, 'name' | 'source'> & { readonly manifest: Omit<Manifest, 'files'> };

/**
 * ONNX bytes of a pack's merge.
 * @param experts names of the resident experts, in the order of the graph's `mix` columns and heads; columns of `gates` are the pack's experts
 * @throws {TwinrouteError} `unsupported` for a method without factors; `not_found` for an expert that the pack lacks; `integrity` and `format` when a file is not what the manifest says
 * Cost: the shared model in f32 twice (read and graph), and the experts' factors in f32
 */
export async function packGraph(pack: DraftPack, experts: readonly string[], precision: FloatPrecision = 'fp32'): Promise<Uint8Array> {
  const { manifest } = pack;
  const isGated = wemoeForm(manifest.method) !== undefined;
  if (manifest.method !== 'twin' && !isGated)
    throw new TwinrouteError(
      'unsupported',
      `${pack.name}: expected factored modules, got a pack of ${manifest.method}, whose mixes have to be merged (--mix) before they are one graph`,
    );
  const model = openArchitecture(manifest.architecture.type, manifest.architecture.config);
  const { gates } = manifest;
  if ((gates !== undefined) !== isGated)
    throw new TwinrouteError(
      'format',
      `${pack.name}: expected gates in a pack of ${Object.keys(WEMOE_FORMS).join(' or ')}, and in no other`,
    );
  const shared = await readTensors(await pack.source(manifest.shared.file), model.parameters);
  const loaded = new Map<string, LoadedExpert>();
  for (const entry of gates === undefined ? experts.map((name) => expertOf(manifest, name)) : manifest.experts)
    loaded.set(entry.name, await loadExpert(await pack.source(entry.file), entry, model.width));
  const heads = experts.map((name): GraphHead => loaded.get(expertOf(manifest, name).name)?.head ?? unknown(name));
  const graphExperts = [...loaded.values()].map(({ name, modules }): GraphExpert => ({
    name,
    module: (parameter) => toModule(modules.get(parameter)),
  }));
  const { fade } = manifest.shared;
  const fadeModules = fade && (await readModules(await openModules(await pack.source(fade.file), fade), fade));
  const graphFade = fadeModules && { name: 'fade', module: (parameter: string) => toModule(fadeModules.get(parameter)) };
  const gateTensors = gates && (await readTensors(await pack.source(gates.file), gateParameters(model, gates, manifest.experts.length)));
  const read = (name: string): FloatTensor => shared.get(name) ?? gateTensors?.get(name) ?? unknown(name);
  return emitTwinGraph(model.architecture, model.config, read, graphExperts, heads, { fade: graphFade, gates, precision });
}

function unknown(name: string): never {
  throw new TwinrouteError('internal', `packGraph: expected a parameter or an expert of the pack, got ${name}`);
}

function toModule(module: LoadedModule | undefined): ExclusiveModule | undefined {
  return module?.kind === 'factored' ? { kind: 'factored', u: toTensor(module.u), v: toTensor(module.v) } : module;
}

function toTensor({ rows, cols, data }: Matrix): FloatTensor {
  return floatTensor([rows, cols], data);
}

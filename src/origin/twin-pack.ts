// A pack of factored modules, opened to be served: its open graph, its experts by name, and the merge of one mix.

import { setTimeout } from 'node:timers/promises';
import { TwinrouteError } from '../core/errors.ts';
import { floatTensor, sizeOf, type FloatTensor } from '../core/tensor.ts';
import { loadExpert, openModules, readModules } from '../formats/expert-file.ts';
import type { FloatPrecision } from '../formats/onnx/graph.ts';
import { expertOf, type Pack } from '../formats/pack.ts';
import { readTensors } from '../formats/read-tensors.ts';
import { arrangeModules, type ExpertFactors } from '../model/expert-factors.ts';
import { mergeModules, type WeighedExpert } from '../model/merge-modules.ts';
import { emitOpenGraph } from '../model/open-graph.ts';
import { emitOpenTwinGraph, type OpenTwinGraph } from '../model/open-twin-graph.ts';
import { openArchitecture } from '../model/registry.ts';
import { packed } from '../model/token-layout.ts';
import { createExpertStore, type ExpertStore } from './expert-store.ts';
import { meanRank } from './twin-encoder.ts';

/** After each step of a merge so many times its time is left to what is asked meanwhile: near capacity, a second without it is a queue that takes many to drain. */
const REST = 9;

/** How graphs are made for the device that runs them. */
export interface GraphForm {
  /** f32 when left out. */
  readonly precision?: FloatPrecision | undefined;
  /** Tables are part of every graph. Else sessions share one copy of those that no expert changes, as inputs; a device with memory of its own would copy them for each run. */
  readonly ownTables?: boolean | undefined;
}

/** An open pack. */
export interface TwinPack {
  readonly graph: Omit<OpenTwinGraph, 'model'>;
  /** ONNX bytes of the graph: all of the model once more, for nothing once it is compiled. */
  readonly model: Uint8Array;
  readonly store: ExpertStore;
  /**
   * What takes the shared part away as a mix fills, where modules are about the base. The graph's own weights are those of a full mix, the base's, so that only
   * a row whose weights do not add up to 1 needs it.
   */
  readonly fade: ExpertFactors | undefined;
  /** Mean rank of each served expert over the matrices. */
  readonly ranks: readonly number[];
  /** Bytes of the weights that `mergeMix` makes. */
  readonly mixBytes: number;
  /**
   * ONNX bytes of the plain graph of one mix; it wants `graph.fed`. Throws when `signal` aborts.
   * Cost: the weights twice, and a pass over all of them for each expert and rank, in steps that take a tenth of the thread's time
   */
  mergeMix(mix: Float32Array, signal?: AbortSignal): Promise<Uint8Array>;
}

/**
 * Opens a pack.
 * @param experts names of the served experts, in the order of mixes
 * @param expertBytes of factors that are kept
 * @throws {TwinrouteError} `not_found` for an expert that the pack lacks; `integrity` and `format` when a file is not what the manifest says
 * Cost: the shared model in f32 twice (read and graph)
 */
export async function openTwinPack(
  pack: Pack,
  experts: readonly string[],
  expertBytes: number,
  { precision, ownTables = false }: GraphForm = {},
): Promise<TwinPack> {
  const { manifest } = pack;
  const { architecture, config, parameters, width } = openArchitecture(manifest.architecture.type, manifest.architecture.config);
  const entries = experts.map((name) => expertOf(manifest, name));
  const tables = new Set(architecture.tables(config));
  const fadeFile = manifest.shared.fade;
  const fadeModules = fadeFile && (await readModules(await openModules(await pack.source(fadeFile.file), fadeFile), fadeFile));
  const fade = fadeModules && arrangeModules(fadeModules, tables);
  const changed = new Set(
    [...entries, ...(fadeFile === undefined ? [] : [fadeFile])].flatMap(({ tensors }) =>
      tensors.flatMap(({ name, kind }) => (kind === 'unchanged' ? [] : [name])),
    ),
  );
  const sharedSource = await pack.source(manifest.shared.file);
  const fed = new Set(ownTables ? [] : [...tables].filter((name) => !changed.has(name)));
  // What is served keeps nothing of what is read here but the graph.
  const emit = async (): Promise<OpenTwinGraph> => {
    const shared = await readTensors(sharedSource, parameters);
    const full: readonly WeighedExpert[] = fade === undefined ? [] : [{ expert: fade, weight: 1 }];
    // Merged once: the emitter asks for a parameter whenever it wants to know its shape.
    const centre = new Map(Array.from(shared, ([name, tensor]) => [name, mergeModules(name, tensor, full, tables.has(name))]));
    return emitOpenTwinGraph(architecture, config, (name) => lookUp(centre, name), changed, fed, precision);
  };
  const { model, ...graph } = await emit();
  const own = parameters.filter(({ name }) => !fed.has(name));

  const store = createExpertStore(async (name) => {
    const entry = expertOf(manifest, name);
    return arrangeModules((await loadExpert(await pack.source(entry.file), entry, width)).modules, tables);
  }, expertBytes);

  return {
    graph,
    model,
    store,
    fade,
    ranks: entries.map(({ tensors }) => {
      const ranks = new Map(tensors.map((tensor) => [tensor.name, tensor.kind === 'factored' ? tensor.rank : 0]));
      return meanRank(graph.openings, (name) => ranks.get(name) ?? 0);
    }),
    mixBytes: own.reduce((sum, { shape }) => sum + (precision === 'fp16' ? 2 : 4) * sizeOf(shape), 0),
    async mergeMix(mix, signal) {
      const members: WeighedExpert[] = [];
      for (const [e, weight] of mix.entries()) if (weight !== 0) members.push({ expert: await store.get(experts[e]), weight });
      if (fade !== undefined) members.push({ expert: fade, weight: mix.reduce((sum, weight) => sum + weight, 0) });
      const merged = new Map<string, FloatTensor>();
      // Feeds are arranged as the graph wants them, with another shape than the parameter's.
      for (const { name, shape } of parameters) if (fed.has(name)) merged.set(name, floatTensor(shape, graph.fed[name].data));
      for (const spec of own) {
        const startMs = performance.now();
        const tensor = lookUp(await readTensors(sharedSource, [spec]), spec.name);
        merged.set(spec.name, mergeModules(spec.name, tensor, members, tables.has(spec.name)));
        await setTimeout(REST * (performance.now() - startMs), undefined, { signal });
      }
      return emitOpenGraph(architecture, config, (name) => lookUp(merged, name), fed, [], { precision, layout: packed });
    },
  };
}

function lookUp(tensors: ReadonlyMap<string, FloatTensor>, name: string): FloatTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new TwinrouteError('internal', `twin pack: expected a parameter of the architecture, got ${name}`);
  return tensor;
}

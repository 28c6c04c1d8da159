// A pack's weights, a tensor at a time: the shared model's, each expert's modules, and both folded into the plain weights of one mix.
// Other engines load only plain weights; the origin never folds.
//
// Letters: m × n a matrix, r rank.

import { expectFinite } from '../core/assert-finite.ts';
import { TwinrouteError } from '../core/errors.ts';
import { axpy, multiply, widen } from '../core/linalg/kernels.ts';
import type { Mix } from '../core/mix.ts';
import { expectFloat, floatTensor, type FloatTensor } from '../core/tensor.ts';
import { openExpertFile, openModules, type ExpertFile, type LoadedModule, type ReadUnified } from '../formats/expert-file.ts';
import { expertOf, type Pack } from '../formats/pack.ts';
import { openSafetensors } from '../formats/safetensors.ts';
import { openArchitecture, type OpenArchitecture } from './registry.ts';

/** Open weights of a pack. */
export interface PackWeights {
  readonly model: OpenArchitecture;
  /** A parameter of the shared model, fresh. */
  shared(parameter: string): Promise<FloatTensor>;
  /** An expert's file, opened once. */
  expert(name: string): Promise<ExpertFile>;
  /** What modules are about, fresh: the shared model's parameter, or the base's where the pack has a fade. */
  centre(parameter: string): Promise<FloatTensor>;
  /**
   * `W_s + (Σw)·F + Σ w·(U·V or the whole delta)`, F the fade where the pack has one, fresh.
   * Cost: one tensor and its factors in f64; mnr multiply-adds an expert
   */
  folded(parameter: string, mix: Mix): Promise<FloatTensor>;
}

/** Methods whose answer is the shared model plus weighted modules. */
const FOLDABLE = ['twin', 'emr'];

/**
 * Opens a pack's weights; files are checked against the manifest first.
 * @throws {TwinrouteError} `unsupported` for a method that is not `shared + Σ weight · module`; `integrity` for changed bytes;
 * `not_found` for an expert that the pack lacks
 */
export async function openPackWeights(pack: Pack): Promise<PackWeights> {
  const { manifest } = pack;
  if (!FOLDABLE.includes(manifest.method)) {
    throw new TwinrouteError(
      'unsupported',
      `${pack.name}: expected a pack of ${FOLDABLE.join(', ')}, got one of ${manifest.method}, ${manifest.gates === undefined ? 'whose experts are no sums of weights' : 'whose gates weigh experts anew for each text, so that no mix can be folded; --format onnx without --mix has the gates inside'}`,
    );
  }
  const model = openArchitecture(manifest.architecture.type, manifest.architecture.config);
  const shapes = new Map(model.parameters.map(({ name, shape }) => [name, shape]));
  const file = await openSafetensors(await pack.source(manifest.shared.file));
  const { fade } = manifest.shared;
  const fadeFile = fade && (await openModules(await pack.source(fade.file), fade));
  const { unified } = manifest.shared;
  const unifiedFile = unified && (await openSafetensors(await pack.source(unified.file)));
  const readUnified: ReadUnified | undefined =
    unifiedFile && (async (parameter) => expectFinite(await unifiedFile.readFloat(parameter), `${unifiedFile.name}: ${parameter}`));
  const experts = new Map<string, Promise<ExpertFile>>();

  const open = async (name: string): Promise<ExpertFile> => {
    const entry = expertOf(manifest, name);
    return openExpertFile(await pack.source(entry.file), entry, model.width, readUnified);
  };

  const weights: PackWeights = {
    model,
    async shared(parameter) {
      const shape = shapes.get(parameter);
      if (shape === undefined) throw new TwinrouteError('internal', `${pack.name}: expected the name of a parameter, got ${parameter}`);
      const title = `${file.name}: ${parameter}`;
      return expectFinite(expectFloat(await file.readFloat(parameter), shape, title), title);
    },
    expert(name) {
      const opened = experts.get(name) ?? open(name);
      experts.set(name, opened);
      return opened;
    },
    async centre(parameter) {
      return add(await weights.shared(parameter), [{ weight: 1, module: await fadeFile?.module(parameter) }]);
    },
    async folded(parameter, mix) {
      const terms: Term[] = [];
      for (const { expert, weight } of mix) terms.push({ weight, module: await (await weights.expert(expert)).module(parameter) });
      const filled = mix.reduce((sum, { weight }) => sum + weight, 0);
      if (filled > 0) terms.push({ weight: filled, module: await fadeFile?.module(parameter) });
      return add(await weights.shared(parameter), terms);
    },
  };
  return weights;
}

/** A module with its weight; undefined where it is unchanged. */
interface Term {
  readonly weight: number;
  readonly module: LoadedModule | undefined;
}

/** The tensor with weighted modules added, summed in f64; the tensor itself when there are none. */
function add(tensor: FloatTensor, terms: readonly Term[]): FloatTensor {
  const present = terms.flatMap(({ weight, module }) => (module === undefined ? [] : [{ weight, module }]));
  if (present.length === 0) return tensor;
  const sum = Float64Array.from(tensor.data);
  for (const { weight, module } of present) axpy(weight, deltaOf(module), sum);
  return floatTensor(tensor.shape, Float32Array.from(sum));
}

/** A module as the difference that it stands for, row-major. */
function deltaOf(module: LoadedModule): Float64Array {
  return module.kind === 'factored' ? multiply(widen(module.u), widen(module.v)).data : Float64Array.from(module.delta.data);
}

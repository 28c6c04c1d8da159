// From a merge config and its open models to the list of tensors that the merge writes, each with what it is made from. Pure: reads names
// and shapes only.

import { TwinrouteError } from '../../core/errors.ts';
import { checkExpertCount, resolveParameters, type ParameterTable, type Parameters, type StaticMethod } from '../../core/merge/method.ts';
import { sameShape } from '../../core/tensor.ts';
import type { MergeConfig, Settings } from '../../contract/merge-config.ts';
import { refuseMisfits, spell } from '../../formats/fit.ts';
import type { StoredType } from '../../formats/safetensors-types.ts';
import { countLayers, depthOf, isBeforeLayers, parseLayerName } from './layers.ts';
import type { ModelTensors } from './model-tensors.ts';
import { settingAt, type Place } from './settings.ts';

/** A tensor of one model. */
export interface Origin {
  readonly model: ModelTensors;
  readonly name: string;
}

/** A tensor of the result. */
export interface PlannedMerge {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: StoredType;
  /** Where it is copied from as it is, because it holds no floats. */
  readonly copy?: Origin;
  /** θ0; without one, the experts are merged about zero. */
  readonly base?: Origin;
  readonly experts: readonly Origin[];
  readonly parameters: Parameters;
  readonly expertParameters: readonly Parameters[];
}

/** What the plan is made from. */
export interface PlanInput {
  readonly config: MergeConfig;
  readonly method: StaticMethod;
  /** By the text that names them in the config, under the names of the frame. */
  readonly models: ReadonlyMap<string, ModelTensors>;
  /** The model whose config and tokenizer the result takes, and whose tensors it has: the base, or the first. */
  readonly frame: string;
}

/** A model's part of a slice. */
interface Part {
  readonly model: string;
  /** Its layer that becomes the slice's first; 0 where whole models are merged. */
  readonly start: number;
  /** Parameters that hold for this part alone, the closest first. */
  readonly levels: readonly Settings[];
}

interface Slice {
  readonly parts: readonly Part[];
  /** Number of layers; undefined where whole models are merged. */
  readonly layers: number | undefined;
  readonly parameters: Settings;
}

/** The plan. */
export interface TensorPlan {
  readonly tensors: readonly PlannedMerge[];
  /** Layers of the result where slices set them. */
  readonly layers: number | undefined;
  readonly notices: readonly string[];
}

/** Depth of tensors that belong to no layer, in front of the layers or behind: mergekit gives all of them a gradient's first value. */
const OUTSIDE = 0;
const FLOATS: ReadonlySet<StoredType> = new Set(['F64', 'F32', 'F16', 'BF16']);
const STORED = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;

/**
 * Plans every tensor.
 * @throws {TwinrouteError} `incompatible` naming up to five tensors that a model lacks or has in another shape; `config` for slices that do
 * not fit, or a number of models that the method is not defined for
 */
export function planTensors(input: PlanInput): TensorPlan {
  const { config, models } = input;
  const frame = modelOf(models, input.frame);
  const slices = slicesOf(config);
  const misfits = new Map<string, string[]>();
  const tensors = config.slices ? planSlices(input, frame, slices, misfits) : planWhole(input, frame, slices[0], misfits);
  for (const [model, lines] of misfits) refuseMisfits(model, lines);
  return {
    tensors,
    layers: config.slices ? slices.reduce((sum, { layers = 0 }) => sum + layers, 0) : undefined,
    notices: [...models].flatMap(([name, model]) => extrasOf(name, model, frame, Boolean(config.slices))),
  };
}

function planWhole(input: PlanInput, frame: ModelTensors, slice: Slice, misfits: Map<string, string[]>): PlannedMerge[] {
  const counts = countLayers(frame.names);
  return frame.names.map((name) => {
    const layer = parseLayerName(name);
    const depth = layer === undefined ? OUTSIDE : depthOf(layer.index, counts.get(layer.stack) ?? 1);
    return planTensor(input, { name, depth }, slice, () => name, misfits);
  });
}

function planSlices(input: PlanInput, frame: ModelTensors, slices: readonly Slice[], misfits: Map<string, string[]>): PlannedMerge[] {
  const stacks = [...countLayers(frame.names).keys()];
  if (stacks.length !== 1)
    throw new TwinrouteError('config', `slices: expected a base with one stack of layers, got ${stacks.join(', ') || 'none'}`, {
      param: 'slices',
    });
  const [stack] = stacks;
  const outside = frame.names
    .filter((name) => parseLayerName(name) === undefined)
    .map((name) => planTensor(input, { name, depth: OUTSIDE }, slices[isBeforeLayers(name) ? 0 : slices.length - 1], () => name, misfits));
  let first = 0;
  const inside = slices.flatMap((slice) => {
    const { parts, layers = 0 } = slice;
    const offset = first;
    first += layers;
    const [part] = parts;
    const source = modelOf(input.models, part.model);
    return Array.from({ length: layers }, (_, j) => j).flatMap((j) => {
      const own = `${stack}${part.start + j}.`;
      const rests = source.names.filter((name) => name.startsWith(own)).map((name) => name.slice(own.length));
      if (rests.length === 0) addMisfit(misfits, part.model, `missing layer ${part.start + j}`);
      return rests.map((rest) =>
        planTensor(
          input,
          { name: `${stack}${offset + j}.${rest}`, depth: depthOf(j, layers) },
          slice,
          ({ start }) => `${stack}${start + j}.${rest}`,
          misfits,
        ),
      );
    });
  });
  return [...outside, ...inside];
}

/** One tensor of the result from the parts of its slice; `nameIn` is what it is called in the model of a part. */
function planTensor(
  input: PlanInput,
  place: Place,
  slice: Slice,
  nameIn: (part: Part) => string,
  misfits: Map<string, string[]>,
): PlannedMerge {
  const { config, method, models } = input;
  const { baseless, base, experts } = rolesOf(method, config.base_model ?? undefined, slice.parts);
  checkExpertCount(method, experts.length);
  const originOf = (part: Part): Origin => ({ model: modelOf(models, part.model), name: nameIn(part) });
  const main = originOf(baseless ? experts[0] : base);
  const has = ({ model, name }: Origin): boolean => model.has(name);
  const shape = has(main) ? main.model.shape(main.name) : [];
  for (const part of baseless ? experts : [base, ...experts]) {
    const origin = originOf(part);
    if (!has(origin)) addMisfit(misfits, part.model, `missing ${origin.name}`);
    else if (!sameShape(origin.model.shape(origin.name), shape))
      addMisfit(misfits, part.model, `${origin.name} should be ${spell(shape)}, is ${spell(origin.model.shape(origin.name))}`);
  }
  const stored = has(main) ? main.model.dtype(main.name) : 'F32';
  const out = config.out_dtype ?? config.dtype;
  const whole = [slice.parameters, config.parameters];
  return {
    name: place.name,
    shape,
    dtype: FLOATS.has(stored) && out ? STORED[out] : stored,
    ...(!FLOATS.has(stored) && { copy: main }),
    ...(!baseless && { base: originOf(base) }),
    experts: experts.map(originOf),
    parameters: valuesAt(method.parameters, whole, place),
    expertParameters: experts.map(({ levels: [closest, ...others] }) =>
      valuesAt(method.expertParameters, [closest, slice.parameters, ...others, config.parameters], place),
    ),
  };
}

/** Which parts of a slice are the base and the experts. A base that the slice does not list has the layers of its first part. */
function rolesOf(
  method: StaticMethod,
  baseModel: string | undefined,
  parts: readonly Part[],
): { baseless: boolean; base: Part; experts: readonly Part[] } {
  const listed = parts.find(({ model }) => model === baseModel);
  const base = listed ?? { model: baseModel ?? '', start: parts[0].start, levels: [] };
  const others = parts.filter((part) => part !== listed);
  if (method.base === 'unused') return { baseless: true, base, experts: parts };
  if (baseModel === undefined && method.base === 'optional') return { baseless: true, base, experts: parts };
  if (baseModel === undefined)
    throw new TwinrouteError('config', `base_model: expected a model for ${method.name}, got none`, { param: 'base_model' });
  return method.base === 'end' ? { baseless: true, base, experts: [base, ...others] } : { baseless: false, base, experts: others };
}

/** The parameters of a table at a place, with mergekit's defaults. */
function valuesAt(table: ParameterTable, levels: readonly Settings[], place: Place): Parameters {
  const given = Object.entries(table).map(
    ([name, spec]) => [name, settingAt(levels, name, place) ?? spec.mergekit ?? spec.default] as const,
  );
  return resolveParameters(table, Object.fromEntries(given), place.name);
}

function slicesOf({ models, slices }: MergeConfig): Slice[] {
  if (Boolean(models) === Boolean(slices))
    throw new TwinrouteError('config', 'expected either models or slices, got both or neither', { param: 'models' });
  if (models)
    return [
      {
        parts: models.map(({ model, parameters }) => ({ model, start: 0, levels: [undefined, parameters] })),
        layers: undefined,
        parameters: undefined,
      },
    ];
  return (slices ?? []).map(({ sources, parameters }, i) => {
    const counts = sources.map(({ layer_range: [from, to] }) => to - from);
    const [layers] = counts;
    if (!counts.every((count) => count === layers && count > 0))
      throw new TwinrouteError('config', `slices[${i}]: expected sources with equally many layers, got ${counts.join(', ')}`, {
        param: `slices[${i}]`,
      });
    return {
      parts: sources.map(({ model, layer_range: [start], parameters: own }) => ({ model, start, levels: [own] })),
      layers,
      parameters,
    };
  });
}

/** What a model has beyond the frame, in a line; slices choose layers themselves. */
function extrasOf(name: string, model: ModelTensors, frame: ModelTensors, sliced: boolean): string[] {
  const extras = model.names.filter((tensor) => !frame.has(tensor) && !(sliced && parseLayerName(tensor) !== undefined));
  if (extras.length === 0) return [];
  const shown = extras.slice(0, 5).join(', ');
  return [`${name}: ${extras.length} tensors that ${frame.name} lacks are left out: ${shown}${extras.length > 5 ? ', …' : ''}`];
}

function modelOf(models: ReadonlyMap<string, ModelTensors>, name: string): ModelTensors {
  const model = models.get(name);
  if (model !== undefined) return model;
  throw new TwinrouteError('internal', `planTensors: expected an open model, got ${name}`);
}

function addMisfit(misfits: Map<string, string[]>, model: string, line: string): void {
  misfits.set(model, [...(misfits.get(model) ?? []), line]);
}

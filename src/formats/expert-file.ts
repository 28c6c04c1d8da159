// `experts/<name>.safetensors`: an expert's exclusive module and head. For a parameter `p` of the encoder: `p.u` and `p.v` (with `p.u.scale`
// and `p.v.scale` for integer formats) when it is factored, `p.delta` when it is kept whole, nothing when it is unchanged. The head is `head.weight` and
// `head.bias`. An expert of an EMR pack has `p.mask` instead, packed bits over the pack's unified vector,
// and `p.scale`, one for all entries or one for each row. Which of them to expect stands in the manifest.
//
// Letters: m × n a matrix, r rank, C classes, d width.

import { expectFinite } from '../core/assert-finite.ts';
import { dequantise, type ComponentAxis, type Factor } from '../core/compress/quantise.ts';
import { TwinrouteError } from '../core/errors.ts';
import type { Matrix } from '../core/linalg/matrix.ts';
import { applyMask } from '../core/merge/emr.ts';
import { expectFloat, floatTensor, sameShape, sizeOf, type FloatTensor, type Tensor } from '../core/tensor.ts';
import type { FactorFormat, ManifestExpert, ModuleTensor } from '../contract/manifest.ts';
import type { PlannedTensor } from './safetensors-writer.ts';
import { openSafetensors, type Safetensors } from './safetensors.ts';
import type { ByteSource } from './source.ts';

/** Names of the head's tensors. */
export const HEAD_WEIGHT = 'head.weight';
export const HEAD_BIAS = 'head.bias';

/** A tensor with its data, to be written. */
export interface StoredTensor {
  readonly tensor: PlannedTensor;
  readonly data: ArrayBufferView;
}

const STORED_AS = { fp32: 'F32', fp16: 'F16', int8: 'I8', int4: 'U8' } as const;

/** A factored module's tensors. */
export function storeFactors(parameter: string, u: Factor, v: Factor): readonly StoredTensor[] {
  return [...storeFactor(`${parameter}.u`, u), ...storeFactor(`${parameter}.v`, v)];
}

/** A module that is kept whole. */
export function storeDelta(parameter: string, delta: FloatTensor): StoredTensor {
  return storeFloats(`${parameter}.delta`, delta);
}

/** A mask over the unified vector, packed bits. */
export function storeMask(parameter: string, mask: Uint8Array): StoredTensor {
  return { tensor: { name: `${parameter}.mask`, dtype: 'U8', shape: [mask.length] }, data: mask };
}

/** What the masked unified vector is multiplied by: one number, or one for each run of entries. */
export function storeScales(parameter: string, scales: Float32Array): StoredTensor {
  return { tensor: { name: `${parameter}.scale`, dtype: 'F32', shape: [scales.length] }, data: scales };
}

/** An f32 tensor under its name. */
export function storeFloats(name: string, { shape, data }: FloatTensor): StoredTensor {
  return { tensor: { name, dtype: 'F32', shape }, data };
}

function storeFactor(name: string, factor: Factor): readonly StoredTensor[] {
  const shape = storedShape(factor.format, factor.rows, factor.cols);
  const codes = { tensor: { name, dtype: STORED_AS[factor.format], shape }, data: factor.data };
  if (!('scales' in factor)) return [codes];
  return [codes, { tensor: { name: `${name}.scale`, dtype: 'F32', shape: [factor.scales.length] }, data: factor.scales }];
}

/** int4 packs two codes to a byte, so its matrix has no rows on disk. */
function storedShape(format: FactorFormat, rows: number, cols: number): readonly number[] {
  return format === 'int4' ? [Math.ceil((rows * cols) / 2)] : [rows, cols];
}

/** A module as it computes: f32 whatever it was stored as. */
export type LoadedModule =
  | { readonly kind: 'factored'; readonly u: Matrix; readonly v: Matrix }
  | { readonly kind: 'whole'; readonly delta: FloatTensor };

/** An expert in memory. */
export interface LoadedExpert {
  readonly name: string;
  /** By parameter name; a parameter that the expert leaves unchanged is absent. */
  readonly modules: ReadonlyMap<string, LoadedModule>;
  /** `weight [C, d]`, `bias [C]`. */
  readonly head: { readonly weight: FloatTensor; readonly bias: FloatTensor };
}

/** A file of modules, read a tensor at a time. */
export interface ModuleFile {
  /** The module of a parameter; undefined where it is unchanged. */
  module(parameter: string): Promise<LoadedModule | undefined>;
}

/** An expert's file, read a tensor at a time. */
export interface ExpertFile extends ModuleFile {
  head(): Promise<LoadedExpert['head']>;
}

/** What a manifest says of a file of modules. */
export type StoredModules = Pick<ManifestExpert, 'format' | 'tensors'>;

/** The unified vector that masks are over, a parameter at a time. */
export type ReadUnified = (parameter: string) => Promise<FloatTensor>;

/**
 * Opens a file of modules without a head, as the fade is one; reads its header only.
 * @throws {TwinrouteError} `format` or `shape` when the file is not what the manifest says, here or when a tensor is read
 */
export async function openModules(source: ByteSource, modules: StoredModules): Promise<ModuleFile> {
  return modulesOf(await openSafetensors(source), modules);
}

function modulesOf(file: Safetensors, { format, tensors }: StoredModules, unified?: ReadUnified): ModuleFile {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return {
    async module(parameter) {
      const tensor = byName.get(parameter);
      if (tensor === undefined) return undefined;
      return format === 'bits' ? loadMasked(file, tensor, unified) : loadModule(file, tensor, format);
    },
  };
}

/**
 * Every module of a file, by parameter; unchanged ones are absent.
 * Cost: the factors in f32
 */
export async function readModules(file: ModuleFile, { tensors }: StoredModules): Promise<ReadonlyMap<string, LoadedModule>> {
  const modules = new Map<string, LoadedModule>();
  for (const { name } of tensors) {
    const module = await file.module(name);
    if (module !== undefined) modules.set(name, module);
  }
  return modules;
}

/**
 * Opens an expert's file; reads its header only.
 * @param source the verified file of `expert`
 * @param width d
 * @param unified where the expert's modules are masks; they load as whole deltas
 * @throws {TwinrouteError} `format` or `shape` when the file is not what the manifest says, here or when a tensor is read
 */
export async function openExpertFile(
  source: ByteSource,
  expert: ManifestExpert,
  width: number,
  unified?: ReadUnified,
): Promise<ExpertFile> {
  const file = await openSafetensors(source);
  const readHead = async (name: string, shape: readonly number[]): Promise<FloatTensor> =>
    expectFinite(expectFloat(await file.readFloat(name), shape, `${file.name}: ${name}`), `${file.name}: ${name}`);
  return {
    ...modulesOf(file, expert, unified),
    async head() {
      const classes = expert.labels.length;
      return { weight: await readHead(HEAD_WEIGHT, [classes, width]), bias: await readHead(HEAD_BIAS, [classes]) };
    },
  };
}

/**
 * Loads an expert.
 * @param source the verified file of `expert`
 * @param width d
 * @throws {TwinrouteError} `format` or `shape` when the file is not what the manifest says
 * Cost: the expert's factors in f32
 */
export async function loadExpert(source: ByteSource, expert: ManifestExpert, width: number): Promise<LoadedExpert> {
  const file = await openExpertFile(source, expert, width);
  return { name: expert.name, modules: await readModules(file, expert), head: await file.head() };
}

/** An expert's head alone, of whatever format its modules are. */
export async function loadHead(source: ByteSource, expert: ManifestExpert, width: number): Promise<LoadedExpert['head']> {
  return (await openExpertFile(source, expert, width)).head();
}

async function loadMasked(
  file: Safetensors,
  { name, shape, kind }: ModuleTensor,
  unified: ReadUnified | undefined,
): Promise<LoadedModule | undefined> {
  if (kind === 'unchanged') return undefined;
  const title = `${file.name}: ${name}.mask`;
  if (kind !== 'masked' || unified === undefined)
    throw new TwinrouteError('format', `${title}: expected a mask with a unified vector, got a ${kind} module`);
  const mask = await file.read(`${name}.mask`);
  const length = Math.ceil(sizeOf(shape) / 8);
  if (mask.dtype !== 'uint8' || !sameShape(mask.shape, [length]))
    throw new TwinrouteError('shape', `${title}: expected uint8 [${length}], got ${mask.dtype} [${mask.shape.join(', ')}]`);
  const { data } = expectFloat(await unified(name), shape, `unified: ${name}`);
  const scales = await loadScales(file, name, shape);
  return { kind: 'whole', delta: floatTensor(shape, applyMask(mask.data, data, scales)) };
}

/** One scale, or one for each row of a matrix. */
async function loadScales(file: Safetensors, parameter: string, shape: readonly number[]): Promise<Float32Array> {
  const name = `${parameter}.scale`;
  const title = `${file.name}: ${name}`;
  const scales = await file.readFloat(name);
  const fits = sameShape(scales.shape, [1]) || (shape.length === 2 && sameShape(scales.shape, [shape[0]]));
  if (!fits)
    throw new TwinrouteError(
      'shape',
      `${title}: expected [1] or one for each row of [${shape.join(', ')}], got [${scales.shape.join(', ')}]`,
    );
  return expectFinite(scales, title).data;
}

async function loadModule(
  file: Safetensors,
  { name, shape, kind, rank }: ModuleTensor,
  format: FactorFormat,
): Promise<LoadedModule | undefined> {
  if (kind === 'unchanged') return undefined;
  if (kind === 'masked') throw new TwinrouteError('format', `${file.name}: ${name}: expected a mask among bits, got one among ${format}`);
  if (kind === 'whole') {
    const delta = expectFloat(await file.readFloat(`${name}.delta`), shape, `${file.name}: ${name}.delta`);
    return { kind, delta: expectFinite(delta, `${file.name}: ${name}.delta`) };
  }
  const [m, n] = shape;
  return {
    kind,
    u: await loadFactor(file, `${name}.u`, format, m, rank, 'columns'),
    v: await loadFactor(file, `${name}.v`, format, rank, n, 'rows'),
  };
}

async function loadFactor(
  file: Safetensors,
  name: string,
  format: FactorFormat,
  rows: number,
  cols: number,
  axis: ComponentAxis,
): Promise<Matrix> {
  const data = await file.read(name);
  const title = `${file.name}: ${name}`;
  const shape = storedShape(format, rows, cols);
  if (!sameShape(data.shape, shape))
    throw new TwinrouteError('shape', `${title}: expected [${shape.join(', ')}], got [${data.shape.join(', ')}]`);
  const matrix = dequantise(await factorOf(file, name, title, format, { rows, cols, axis }, data));
  expectFinite({ dtype: 'float32', shape: [rows, cols], data: matrix.data }, title);
  return matrix;
}

async function factorOf(
  file: Safetensors,
  name: string,
  title: string,
  format: FactorFormat,
  place: { readonly rows: number; readonly cols: number; readonly axis: ComponentAxis },
  tensor: Tensor,
): Promise<Factor> {
  const { rows, cols, axis } = place;
  if (format === 'fp32' && tensor.dtype === 'float32') return { format, rows, cols, data: tensor.data };
  if (format === 'fp16' && tensor.dtype === 'float16') return { format, rows, cols, data: tensor.data };
  const components = axis === 'columns' ? cols : rows;
  const scalesOf = async (): Promise<Float32Array> =>
    expectFloat(await file.readFloat(`${name}.scale`), [components], `${title}.scale`).data;
  if (format === 'int8' && tensor.dtype === 'int8') return { format, ...place, scales: await scalesOf(), data: tensor.data };
  if (format === 'int4' && tensor.dtype === 'uint8') return { format, ...place, scales: await scalesOf(), data: tensor.data };
  throw new TwinrouteError(
    'format',
    `${title}: expected ${STORED_AS[format]} (${format}), got ${tensor.dtype} [${sizeOf(tensor.shape)} elements]`,
  );
}

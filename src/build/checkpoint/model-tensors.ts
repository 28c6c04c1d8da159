// The models of a merge as tensors by name, whatever they are stored as: checkpoints of any architecture, and adapters over one.

import * as z from 'zod/mini';
import type { MatMul } from '../../core/linalg/matrix.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { loraOf, parsePeftConfig } from '../../contract/peft-config.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { readText } from '../../formats/read-text.ts';
import type { StoredType } from '../../formats/safetensors-types.ts';
import type { FolderSource } from '../../formats/source.ts';
import { openWeights, type Weights } from '../../formats/weights.ts';
import { sumOfPairs, toPair } from '../theta.ts';

/** An open model. */
export interface ModelTensors {
  /** Shown in errors. */
  readonly name: string;
  /** Sorted. */
  readonly names: readonly string[];
  has(name: string): boolean;
  shape(name: string): readonly number[];
  dtype(name: string): StoredType;
  /** Fills `target` with the entries of a tensor of floats from `start` on, row-major. @throws {TwinrouteError} `format` for NaN or infinity */
  readFloats(name: string, target: Float32Array, start?: number): Promise<void>;
  /** A tensor as it is stored. */
  readBytes(name: string): Promise<Uint8Array>;
}

const PEFT_PREFIX = 'base_model.model.';
const MAX_CONFIG_BYTES = 32 << 20;

/** Names of an adapter's factors of one tensor. */
interface Pair {
  readonly a: string;
  readonly b: string;
  readonly scaling: number;
}

/** Whether a folder holds an adapter rather than a model. */
export async function isAdapter(folder: FolderSource): Promise<boolean> {
  return (await folder.open('adapter_config.json')) !== undefined;
}

/** Opens a checkpoint. @throws {TwinrouteError} as `openWeights` */
export async function openModel(folder: FolderSource): Promise<ModelTensors> {
  const weights = await openWeights(folder, 'model');
  const known = new Set(weights.names);
  return { ...weights, name: folder.name, has: (name) => known.has(name) };
}

/**
 * Opens a PEFT LoRA adapter as the model that it makes of its base: every tensor of the base, plus scaling·B·A where it adapts one, or the
 * adapter's own where it saved one whole.
 * @throws {TwinrouteError} `unsupported` for adapters that are more than plain LoRA; `incompatible` where factors do not fit the base
 */
export async function openAdapted(base: ModelTensors, folder: FolderSource, matmul: MatMul): Promise<ModelTensors> {
  const title = `${folder.name}/adapter_config.json`;
  const text = (await readText(folder, 'adapter_config.json', MAX_CONFIG_BYTES)) ?? '';
  const config = parsePeftConfig(parseJsonWith(z.unknown(), text, title, 'format'), title);
  const weights = await openWeights(folder, 'adapter_model');
  const pairs = new Map<string, Pair>();
  const saved = new Map<string, string>();
  const targets = weights.names.map((name) => [name, targetOf(name)] as const);
  const toBase = matchPrefix(
    targets.map(([, target]) => target),
    base.names,
  );
  for (const [stored, target] of targets) {
    const name = toBase(target);
    if (stored.endsWith('.lora_A.weight')) {
      const b = stored.replace(/\.lora_A\.weight$/, '.lora_B.weight');
      const { rank, scaling } = loraOf(config, target.slice(0, -'.weight'.length));
      expectFactors(folder.name, base, weights, name, stored, b, rank);
      pairs.set(name, { a: stored, b, scaling });
    } else if (!stored.endsWith('.lora_B.weight')) saved.set(name, stored);
  }
  let last: { readonly pair: Pair; readonly product: Float32Array } | undefined;
  /** scaling·B·A; kept until another is asked for, since tensors are read in parts. */
  async function productOf(pair: Pair): Promise<Float32Array> {
    if (last?.pair === pair) return last.product;
    const factors = { a: await weights.readFloat(pair.a), b: await weights.readFloat(pair.b), scaling: pair.scaling };
    const { data: product } = await sumOfPairs([toPair(factors)], [1], matmul);
    last = { pair, product };
    return product;
  }
  return {
    ...base,
    name: folder.name,
    names: [...new Set([...base.names, ...saved.keys()])].sort(),
    has: (name) => saved.has(name) || base.has(name),
    shape: (name) => (saved.has(name) ? weights.shape(saved.get(name) ?? '') : base.shape(name)),
    dtype: (name) => (saved.has(name) ? weights.dtype(saved.get(name) ?? '') : base.dtype(name)),
    async readFloats(name, target, start = 0) {
      const whole = saved.get(name);
      const pair = pairs.get(name);
      if (whole !== undefined) return weights.readFloats(whole, target, start);
      await base.readFloats(name, target, start);
      if (pair === undefined) return;
      const product = await productOf(pair);
      for (let i = 0; i < target.length; i++) target[i] += product[start + i];
    },
  };
}

/** The name, in the adapted model, of what a tensor of an adapter is about. */
function targetOf(stored: string): string {
  const name = stored.startsWith(PEFT_PREFIX) ? stored.slice(PEFT_PREFIX.length) : stored;
  return name.replace(/\.lora_[AB]\.weight$/, '.weight');
}

function expectFactors(title: string, base: ModelTensors, weights: Weights, name: string, a: string, b: string, rank: number): void {
  const [rows, cols] = base.has(name) ? base.shape(name) : [];
  const found = weights.names.includes(b) ? [...weights.shape(b), ...weights.shape(a)] : [];
  if (found.length === 4 && found[0] === rows && found[1] === rank && found[2] === rank && found[3] === cols) return;
  throw new TwinrouteError(
    'incompatible',
    `${title}: expected factors [${rows ?? '?'}, ${rank}] and [${rank}, ${cols ?? '?'}] for ${name} of ${base.name}, got [${found.join(', ')}]`,
  );
}

/** The model under the names of another: a prefix that most names have more, or lack, is taken off or put on. */
export function renamed(model: ModelTensors, wanted: readonly string[]): ModelTensors {
  const toWanted = matchPrefix(model.names, wanted);
  const stored = new Map(model.names.map((name) => [toWanted(name), name]));
  const storedName = (name: string): string => stored.get(name) ?? name;
  return {
    name: model.name,
    names: [...stored.keys()].sort(),
    has: (name) => stored.has(name),
    shape: (name) => model.shape(storedName(name)),
    dtype: (name) => model.dtype(storedName(name)),
    readFloats: (name, target, start) => model.readFloats(storedName(name), target, start),
    readBytes: (name) => model.readBytes(storedName(name)),
  };
}

/**
 * How names become those of another model, e.g. `bert.encoder.layer.0…` of a classifier those of a bare encoder: with the prefix taken off
 * or put on that makes most of them match; as they are when no prefix does better.
 */
function matchPrefix(names: readonly string[], wanted: readonly string[]): (name: string) => string {
  const known = new Set(wanted);
  const prefixes = new Set([...prefixesOf(names), ...prefixesOf(wanted)]);
  const ways = [...prefixes].flatMap((prefix) => [
    (name: string): string => (name.startsWith(prefix) ? name.slice(prefix.length) : name),
    (name: string): string => (known.has(name) ? name : prefix + name),
  ]);
  let best = { way: (name: string): string => name, matches: names.filter((name) => known.has(name)).length };
  if (best.matches === names.length) return best.way;
  for (const way of ways) {
    const matches = names.filter((name) => known.has(way(name))).length;
    if (matches > best.matches) best = { way, matches };
  }
  return best.way;
}

/** `model.`, `bert.`: first parts of names, one or two of them. */
function prefixesOf(names: readonly string[]): string[] {
  return [...new Set(names.flatMap((name) => [/^[^.]+\./.exec(name)?.[0], /^[^.]+\.[^.]+\./.exec(name)?.[0]]))].filter(
    (prefix) => prefix !== undefined,
  );
}

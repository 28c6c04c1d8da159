// A pack that is only looked at: merged and encoded as `build` would write it, but into memory. A search measures hundreds of them.

import { isAdaptive } from '../core/merge/adaptive.ts';
import { TwinrouteError } from '../core/errors.ts';
import { noProgress, type Progress } from '../core/progress.ts';
import type { ManifestRouter } from '../contract/manifest.ts';
import { bytesSource } from '../formats/memory-source.ts';
import type { Pack } from '../formats/pack.ts';
import type { ByteSource } from '../formats/source.ts';
import type { TensorProducer } from '../formats/safetensors-writer.ts';
import type { Spool } from '../host/spool.ts';
import { describe, TOKENIZER } from './build-pack.ts';
import type { Engine } from './engine/engine.ts';
import { mergePlan } from './merge-plan.ts';
import { SHARED_FILE } from './model-files.ts';
import type { PackFiles } from './pack-files.ts';
import { resolveMethod, type BuildPlan } from './plan.ts';
import type { NamedConfig } from './read-config.ts';
import { buildRouters } from './router/build-routers.ts';

/** A pack in memory with its size. */
export interface MemoryPack {
  /** Without routers, samples and reports. */
  readonly pack: Pack;
  /** Bytes of the shared model's file. */
  readonly sharedBytes: number;
  /** Bytes of all that comes on top of the shared model: the experts' files, and the fade's where there is one. */
  readonly extraBytes: number;
}

/**
 * The plan of another config over the same open inputs. Its id stays that of `plan`.
 * @param config with the base and the experts of `plan`
 * @throws {TwinrouteError} `config` for parameters that the method does not take
 */
export function retune(plan: BuildPlan, config: NamedConfig): BuildPlan {
  return { ...plan, config, ...resolveMethod(config) };
}

/**
 * The plan with inputs that stay in memory once they were read: the base and adapters. Full checkpoints are read again each time, since
 * eight of them would be eight models.
 */
export function keepInputs(plan: BuildPlan): BuildPlan {
  const readFloat = once((name: string) => plan.base.readFloat(name));
  return {
    ...plan,
    base: { ...plan.base, readFloat },
    experts: plan.experts.map((expert) => {
      const parameter = once((name: string) => {
        const source = expert.source.parameter(name);
        if (source.kind !== 'lora') return source;
        const read = once((_: string) => source.read());
        return { ...source, read: () => read(name) };
      });
      return { ...expert, source: { ...expert.source, parameter } };
    }),
  };
}

/**
 * Merges a plan into memory.
 * @throws {TwinrouteError} `unsupported` for a method that learns first; `numeric` when the merge does not fit its dtype
 * Cost: that of the merge, and the pack's bytes twice
 */
export async function buildInMemory(plan: BuildPlan, engine: Engine): Promise<MemoryPack> {
  const { method } = plan;
  if (isAdaptive(method) || plan.gates !== undefined)
    throw new TwinrouteError(
      'unsupported',
      `${plan.gates === undefined ? method.name : plan.config.merge_method}: expected a method that merges without learning, got one that learns for minutes each time`,
      { param: 'parameters.shared' },
    );
  const files = new Map<string, Uint8Array>();
  const tensors = await mergePlan(plan, () => method, memorySpool(), memoryFiles(files), { engine, progress: noProgress });
  const sizeOf = (file: string): number => files.get(file)?.length ?? 0;
  const total = [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  files.set(TOKENIZER.file, new TextEncoder().encode(plan.tokenizer.json));
  files.set(TOKENIZER.config_file, new TextEncoder().encode(plan.tokenizer.config));
  const source = (file: string): Promise<ByteSource> => {
    const bytes = files.get(file);
    if (bytes !== undefined) return Promise.resolve(bytesSource(file, bytes));
    return Promise.reject(new TwinrouteError('not_found', `pack in memory: expected one of ${[...files.keys()].join(', ')}, got ${file}`));
  };
  const bytes = async (file: string): Promise<Uint8Array> => {
    const { sizeBytes, read } = await source(file);
    return read(0, sizeBytes);
  };
  return {
    pack: {
      name: plan.config.name,
      // No hashes: nobody could have changed what never left this process.
      manifest: { ...describe(plan, tensors, { engine, producer: 'twinroute' }), files: {} },
      source,
      bytes,
      text: async (file) => new TextDecoder().decode(await bytes(file)),
      verify: () => Promise.resolve(),
    },
    sharedBytes: sizeOf(SHARED_FILE),
    extraBytes: total - sizeOf(SHARED_FILE),
  };
}

/** An edge's router with its graph. */
export interface MemoryRouter {
  readonly router: ManifestRouter;
  readonly model: Uint8Array;
}

/**
 * The edge's router of a plan, which depends on the experts' examples alone and so is the same for all configs over them.
 * @throws {TwinrouteError} `unsupported` where the origin routes: its router reads the shared model and would have to be trained each time
 */
export async function routerInMemory(
  plan: BuildPlan,
  deps: { readonly engine: Engine; readonly progress: Progress },
): Promise<MemoryRouter> {
  const { router: kind } = plan.config.parameters;
  if (kind !== 'edge')
    throw new TwinrouteError('unsupported', `parameters.router: expected "edge" for routed scores of many configs, got "${kind}"`, {
      param: 'parameters.router',
    });
  const files = new Map<string, Uint8Array>();
  const noGraph = (): Promise<never> => Promise.reject(new TwinrouteError('internal', 'routerInMemory: expected no router of an origin'));
  const {
    entries: { router },
  } = await buildRouters(plan, memoryFiles(files), noGraph, deps);
  const model = files.get(router?.file ?? '');
  if (router === undefined || model === undefined)
    throw new TwinrouteError('internal', 'routerInMemory: expected a router and its file, got none');
  return { router, model };
}

function once<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const fresh = make(key);
    made.set(key, fresh);
    return fresh;
  };
}

function memorySpool(): Spool {
  const groups = new Map<string, TensorProducer[]>();
  return {
    add(group, tensor, { buffer, byteOffset, byteLength }) {
      const copy = new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength));
      groups.set(group, [...(groups.get(group) ?? []), { ...tensor, data: () => copy }]);
      return Promise.resolve();
    },
    producers: (group) => groups.get(group) ?? [],
    close: () => Promise.resolve(),
  };
}

function memoryFiles(files: Map<string, Uint8Array>): PackFiles {
  return {
    async write(file, content) {
      const chunks: Uint8Array[] = [];
      if (typeof content === 'string') chunks.push(new TextEncoder().encode(content));
      else if (content instanceof Uint8Array) chunks.push(content);
      else for await (const chunk of content) chunks.push(chunk);
      files.set(file, Buffer.concat(chunks));
    },
    written: () => ({}),
  };
}

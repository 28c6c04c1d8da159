// From a plan to a pack on disk. Files go into a folder that appears whole or not at all; the manifest is written last and from what was
// really written.

import { basename, dirname, join, resolve } from 'node:path';
import type { Progress } from '../core/progress.ts';
import type { Learnt } from '../contract/learnt.ts';
import { MANIFEST_SCHEMA, type Manifest, type ManifestExpert, type Score } from '../contract/manifest.ts';
import { encodeManifest, MANIFEST_FILE } from '../formats/manifest-file.ts';
import { openPack } from '../formats/pack.ts';
import type { FolderSource } from '../formats/source.ts';
import { packGraph } from '../model/pack-graph.ts';
import { writeFolder } from '../host/atomic-folder.ts';
import { checkpointFile } from '../host/checkpoint-file.ts';
import { createSha256 } from '../host/files.ts';
import { withSpool } from '../host/spool.ts';
import { withFolder } from '../host/with-folder.ts';
import { packReport } from '../report/pack/pack-report.ts';
import { adapt } from './adapt/adapt.ts';
import type { MethodOf } from './adapt/adapt-input.ts';
import { buildGates } from './adapt/build-gates.ts';
import type { Engine } from './engine/engine.ts';
import { SHARED_FORMATS, type MergedTensors } from './merge-models.ts';
import { mergePlan } from './merge-plan.ts';
import { FACTOR_FORMATS } from './merge-work.ts';
import { expertFile, FADE_FILE, SHARED_FILE, UNIFIED_FILE } from './model-files.ts';
import { openWritten } from './open-written.ts';
import { createPackFiles, writeReport, type PackFiles } from './pack-files.ts';
import { joinMerged } from './parts/join-merged.ts';
import { joinedRanks } from './parts/join-spectra.ts';
import type { Parts } from './parts/parts.ts';
import type { BuildPlan } from './plan.ts';
import { buildRouters } from './router/build-routers.ts';
import { sharedGraph } from './router/shared-features.ts';
import { sampleLines, SAMPLES_FILE } from './samples.ts';

/** Where a pack's tokenizer lies. */
export const TOKENIZER = { file: 'tokenizer.json', config_file: 'tokenizer_config.json' };

/** What a build runs on and tells. */
export interface BuildDeps {
  readonly engine: Engine;
  readonly progress: Progress;
  /** Name and version of the program. */
  readonly producer: string;
  /** The experts' own scores by name, where the caller measured them. */
  readonly individual?: ReadonlyMap<string, Score>;
  /** What shards have merged of it, or measured for its budget. */
  readonly parts?: Parts;
}

/**
 * Builds the pack of a plan. A method that learns leaves its state beside `out` until the pack is there, and the next build goes on from it.
 * @param out folder that is made, or replaced when it is a pack; untouched when the build fails
 * @throws {TwinrouteError} whatever stood in the way
 */
export async function buildPack(plan: BuildPlan, out: string, deps: BuildDeps): Promise<Manifest> {
  const checkpoint = checkpointFile(join(dirname(resolve(out)), `.${basename(resolve(out))}.${plan.id}.json`));
  const written = await writeFolder(out, isPack, async (folder) => {
    const files = createPackFiles(folder);
    const { methodOf, learnt } = await adapt({ ...plan, seed: plan.config.parameters.seed }, { ...deps, checkpoint });
    const tensors = await writeModels(plan, methodOf, folder.path, files, deps);
    const described = describe(plan, tensors, deps, learnt);
    const gates = await withFolder(folder.path, (draft) => buildGates(plan, described, files, draft, { ...deps, checkpoint }));
    const routers = await withFolder(folder.path, (draft) =>
      buildRouters(plan, files, () => draftGraph(plan, { ...described, gates }, draft), deps),
    );
    await files.write(TOKENIZER.file, plan.tokenizer.json);
    await files.write(TOKENIZER.config_file, plan.tokenizer.config);
    const samples = sampleLines(plan.experts);
    if (samples !== '') await files.write(SAMPLES_FILE, samples);
    const draft = { ...described, ...(gates !== undefined && { gates }), ...routers.entries, files: files.written() };
    await writeReport(files, packReport(draft, routers.assessments));
    const manifest = { ...draft, files: files.written() };
    await folder.write(MANIFEST_FILE, encodeManifest(manifest, createSha256));
    return manifest;
  });
  await checkpoint.remove();
  return written;
}

/** Writes the shared model, the fade or the unified vector, and the experts: from the parts of shards as far as these go. */
async function writeModels(plan: BuildPlan, methodOf: MethodOf, draft: string, files: PackFiles, deps: BuildDeps): Promise<MergedTensors> {
  const { parts } = deps;
  if (parts?.kind === 'merged') return joinMerged(plan, parts, files, deps);
  const ranks = parts && (await joinedRanks(plan, parts, deps));
  return withSpool(join(draft, '.spool'), (spool) => mergePlan(plan, methodOf, spool, files, deps, { ranks }));
}

/** What an origin runs before anybody routed: the shared model, or under gates all of it. */
function draftGraph(plan: BuildPlan, manifest: Omit<Manifest, 'files'>, draft: FolderSource): Promise<Uint8Array> {
  if (manifest.gates === undefined) return sharedGraph(plan, draft, manifest.shared.file);
  return packGraph({ name: draft.name, manifest, source: (file) => openWritten(draft, file) }, []);
}

/** Whether a folder is a pack: its manifest is whole. Other folders are never replaced. */
export async function isPack(path: string): Promise<boolean> {
  try {
    await withFolder(path, (folder) => openPack(folder, createSha256));
    return true;
  } catch {
    return false;
  }
}

/** The manifest without routers and files. */
export function describe(
  plan: BuildPlan,
  { experts: modules, fade }: MergedTensors,
  { engine, producer, individual }: Omit<BuildDeps, 'progress' | 'parts'>,
  learnt?: Learnt,
): Omit<Manifest, 'files'> {
  const { config, model } = plan;
  const { about, quantize, router, scale, seed } = config.parameters;
  const isEmr = config.merge_method === 'emr';
  const factors = FACTOR_FORMATS[quantize];
  const whole = SHARED_FORMATS[config.dtype].format;
  const experts = plan.experts.map(({ name, source, provenance }, t): ManifestExpert => {
    const score = individual?.get(name);
    return {
      name,
      kind: source.kind,
      provenance,
      problem: source.problem,
      labels: [...source.labels],
      file: expertFile(name),
      format: isEmr ? 'bits' : factors,
      tensors: [...modules[t]],
      ...(score !== undefined && { individual: score }),
    };
  });
  return {
    schema: MANIFEST_SCHEMA,
    name: config.name,
    config: plan.id,
    method: config.merge_method,
    parameters: {
      ...(isEmr && { scale }),
      ...(!isEmr && {
        shared: { method: plan.method.name, ...plan.parameters },
        experts: Object.fromEntries(plan.experts.map(({ name }, t) => [name, plan.expertParameters[t]])),
        ...plan.rank,
        ...(plan.gates !== undefined && { gate: plan.gates }),
        ...(about === 'base' && { about }),
        quantize,
      }),
      router,
      seed,
      max_tokens: plan.maxTokens,
    },
    seed,
    engine: engine.name,
    producer,
    architecture: { type: model.architecture.type, config: { ...model.config } },
    max_tokens: plan.maxTokens,
    base: plan.baseProvenance,
    shared: {
      file: SHARED_FILE,
      method: isEmr ? 'none' : plan.method.name,
      format: whole,
      ...(fade !== undefined && { fade: { file: FADE_FILE, format: factors, tensors: [...fade] } }),
      ...(isEmr && { unified: { file: UNIFIED_FILE, format: whole } }),
      ...(learnt !== undefined && { learnt }),
    },
    experts,
    routing: router,
    tokenizer: TOKENIZER,
  };
}

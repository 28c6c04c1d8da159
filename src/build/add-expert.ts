// One more expert in a pack that exists. The shared model, the fade and the other experts' files are copied byte for byte; new are one module, one
// class of the routers, and the manifest. Routers learn from texts of all experts, which no pack holds, so the caller brings them.

import { join } from 'node:path';
import { canonicalJson } from '../core/canonical-json.ts';
import type { FactorFormat } from '../core/compress/quantise.ts';
import { TwinrouteError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { RankParameters } from '../contract/build-config.ts';
import type { Manifest, ManifestExpert } from '../contract/manifest.ts';
import { parseWith } from '../contract/parse.ts';
import { hashText } from '../formats/hash.ts';
import { encodeManifest, MANIFEST_FILE } from '../formats/manifest-file.ts';
import type { Pack } from '../formats/pack.ts';
import { writeSafetensors } from '../formats/safetensors-writer.ts';
import { readChunks } from '../formats/source.ts';
import { writeFolder, type FolderWriter } from '../host/atomic-folder.ts';
import { createSha256 } from '../host/files.ts';
import { withSpool } from '../host/spool.ts';
import { withFolder } from '../host/with-folder.ts';
import { openPackWeights } from '../model/pack-weights.ts';
import { packReport } from '../report/pack/pack-report.ts';
import { addModule } from './added-module.ts';
import { isPack } from './build-pack.ts';
import { expertFile } from './model-files.ts';
import type { Engine } from './engine/engine.ts';
import type { NewExpert } from './new-expert.ts';
import { createPackFiles, writeReport, type PackFiles } from './pack-files.ts';
import { rankRuleOf, type BuildPlan } from './plan.ts';
import { buildRouters } from './router/build-routers.ts';
import { sharedGraph } from './router/shared-features.ts';
import { sampleLines, SAMPLES_FILE } from './samples.ts';

/** What an addition runs on and tells. */
export interface AddDeps {
  readonly engine: Engine;
  readonly progress: Progress;
  /** Name and version of the program. */
  readonly producer: string;
}

/** Files that an addition makes anew; every other file of the pack is copied. */
const RENEWED = ['report.md', 'report.html', SAMPLES_FILE];

/**
 * Writes the pack with one more expert.
 * @param out folder that is made, or replaced when it is a pack; untouched when the addition fails
 * @throws {TwinrouteError} `unsupported` for a pack whose experts depend on one another; `incompatible` for another base; `config` for a name
 * that is taken or an expert without examples
 * Cost: one decomposition of each matrix, and the training of the pack's routers
 */
export async function addExpert(pack: Pack, expert: NewExpert, out: string, deps: AddDeps): Promise<Manifest> {
  const { manifest } = pack;
  const { format } = manifest.experts[0];
  if (manifest.method !== 'twin' || format === 'bits')
    throw new TwinrouteError(
      'unsupported',
      `${pack.name}: expected a pack of twin, got one of ${manifest.method}, where a new expert changes ${manifest.gates === undefined ? 'what all share' : 'the gates, which weigh all'}; build it anew`,
    );
  return writeFolder(out, isPack, async (folder) => {
    const files = createPackFiles(folder);
    const routed = [manifest.router?.file, manifest.origin_router?.file];
    for (const file of Object.keys(manifest.files)) {
      if (!RENEWED.includes(file) && !routed.includes(file)) await files.write(file, readChunks(await pack.source(file)));
    }
    const entry = await writeExpert(pack, expert, format, files, folder, deps);
    const plan = routerPlan(manifest, expert, await pack.text(manifest.tokenizer.file), await pack.text(manifest.tokenizer.config_file));
    const routers = await withFolder(folder.path, (draft) =>
      buildRouters(plan, files, () => sharedGraph(plan, draft, manifest.shared.file), deps),
    );
    await files.write(SAMPLES_FILE, sampleLines(plan.experts));
    const draft: Manifest = {
      ...manifest,
      config: configOf(manifest, expert),
      parameters: { ...manifest.parameters, added: [...addedTo(manifest), expert.name] },
      engine: deps.engine.name,
      producer: deps.producer,
      experts: [...manifest.experts, entry],
      ...routers.entries,
      files: files.written(),
    };
    await writeReport(files, packReport(draft, routers.assessments));
    const complete = { ...draft, files: files.written() };
    await folder.write(MANIFEST_FILE, encodeManifest(complete, createSha256));
    return complete;
  });
}

/** Names of the experts that were added before, in that order. */
function addedTo({ parameters: { added } }: Manifest): readonly unknown[] {
  return Array.isArray(added) ? added : [];
}

/** Content hash of the old pack and of everything new. */
function configOf(manifest: Manifest, { name, provenance, examples }: NewExpert): string {
  return hashText(
    canonicalJson({ to: manifest.config, name, expert: provenance.sha256, examples: Object.fromEntries(examples) }),
    createSha256,
  ).slice(0, 16);
}

async function writeExpert(
  pack: Pack,
  { name, base, source, provenance }: NewExpert,
  format: FactorFormat,
  files: PackFiles,
  folder: FolderWriter,
  { engine, progress }: AddDeps,
): Promise<ManifestExpert> {
  const { manifest } = pack;
  const rank = rankRuleOf(parseWith(RankParameters, manifest.parameters, 'manifest.json: parameters', 'format'), manifest.method);
  return withSpool(join(folder.path, '.spool'), async (spool) => {
    const addition = { manifest, weights: await openPackWeights(pack), base, source, rank, format, matmul: engine.matmul };
    const tensors = await addModule(addition, ({ tensor, data }) => spool.add(name, tensor, data), progress);
    await files.write(expertFile(name), writeSafetensors(spool.producers(name)));
    return {
      name,
      kind: source.kind,
      provenance,
      problem: source.problem,
      labels: [...source.labels],
      file: expertFile(name),
      format,
      tensors,
    };
  });
}

/** What the pack's routers are trained from: its own policy, but for the temperature, which is fitted. */
function routerPlan(
  manifest: Manifest,
  { name, model, examples }: NewExpert,
  json: string,
  config: string,
): Pick<BuildPlan, 'model' | 'tokenizer' | 'maxTokens'> & Parameters<typeof buildRouters>[0] {
  const { temperature: _, ...policy } = (manifest.router ?? manifest.origin_router)?.policy ?? { temperature: 1 };
  const names = [...manifest.experts.map((expert) => expert.name), name];
  return {
    model,
    tokenizer: { json, config },
    maxTokens: manifest.max_tokens,
    config: { parameters: { router: manifest.routing, policy, seed: manifest.seed } },
    experts: names.map((each) => ({ name: each, examples: examples.get(each) ?? [] })),
  };
}

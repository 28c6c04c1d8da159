// The model files of a pack from the parts of all shards, a tensor at a time: their names are in order in every file, so that it makes no
// difference who wrote which of them.

import { TwinrouteError } from '../../core/errors.ts';
import type { ModuleTensor } from '../../contract/manifest.ts';
import { HEAD_BIAS, HEAD_WEIGHT } from '../../formats/expert-file.ts';
import type { OpenPart } from '../../formats/part-file.ts';
import type { TensorProducer } from '../../formats/safetensors-writer.ts';
import { openSafetensors } from '../../formats/safetensors.ts';
import type { BuildDeps } from '../build-pack.ts';
import type { MergedTensors } from '../merge-models.ts';
import { mergeWork } from '../merge-work.ts';
import { expertFile, modelFiles, SHARED_FILE, writeModelFiles } from '../model-files.ts';
import type { PackFiles } from '../pack-files.ts';
import type { BuildPlan } from '../plan.ts';
import { methodOf } from './method-of.ts';
import { expectParts, type Parts } from './parts.ts';

/**
 * Writes the model files of a plan from its parts.
 * @throws {TwinrouteError} as `expectParts`; `integrity` when a part was changed or parameters are missing
 * Cost: every part read twice, once for its hashes
 */
export async function joinMerged(
  plan: BuildPlan,
  parts: Parts,
  files: PackFiles,
  { engine, producer, progress }: Pick<BuildDeps, 'engine' | 'producer' | 'progress'>,
): Promise<MergedTensors> {
  expectParts(parts, { kind: 'merged', config: plan.id, engine: engine.name, producer });
  const { ranked } = mergeWork(plan, methodOf(plan), engine.matmul);
  const all = plan.model.parameters.map(({ name }) => name);
  const own = plan.config.merge_method === 'emr' ? all : ranked.map(({ name }) => name);
  const linesOf = (name: string): ModuleTensor[] =>
    parts.parts.flatMap(({ part }) => part.experts.find((expert) => expert.name === name)?.tensors ?? []);
  const hasFade = parts.parts.some(({ part }) => part.fade !== undefined);
  const tensors = {
    experts: plan.experts.map(({ name }) => inOrder(linesOf(name), own, name)),
    fade: hasFade
      ? inOrder(
          parts.parts.flatMap(({ part }) => part.fade ?? []),
          all,
          'the fade',
        )
      : undefined,
  };
  const producers = new Map<string, TensorProducer[]>(modelFiles(plan, tensors).map((file) => [file, []]));
  for (const [done, part] of parts.parts.entries()) {
    progress({ stage: 'join', done, total: parts.parts.length, note: part.name });
    for (const [file, found] of producers) found.push(...(await producersOf(part, file)));
  }
  progress({ stage: 'join', done: parts.parts.length, total: parts.parts.length });
  const names = (file: string): string[] => (producers.get(file) ?? []).map(({ name }) => name);
  inOrder(
    names(SHARED_FILE).map((name) => ({ name })),
    all,
    SHARED_FILE,
  );
  for (const { name } of plan.experts) {
    const heads = names(expertFile(name)).filter((tensor) => tensor === HEAD_WEIGHT || tensor === HEAD_BIAS);
    inOrder(
      heads.map((tensor) => ({ name: tensor })),
      [HEAD_WEIGHT, HEAD_BIAS],
      expertFile(name),
    );
  }
  await writeModelFiles(plan, tensors, (file) => producers.get(file) ?? [], files);
  return tensors;
}

/** The tensors of a part's file, each read when its turn comes. */
async function producersOf({ source }: OpenPart, file: string): Promise<TensorProducer[]> {
  const tensors = await openSafetensors(await source(file));
  return tensors.names.flatMap((name) => {
    const info = tensors.info(name);
    return info === undefined ? [] : [{ name, dtype: info.dtype, shape: info.shape, data: () => tensors.readBytes(name) }];
  });
}

/** @throws {TwinrouteError} `integrity` unless the lines are those of `names`, each once */
function inOrder<T extends { readonly name: string }>(lines: readonly T[], names: readonly string[], title: string): T[] {
  const byName = new Map(lines.map((line) => [line.name, line]));
  const found = names.flatMap((name) => byName.get(name) ?? []);
  if (found.length === names.length && lines.length === names.length) return found;
  const missing = names.find((name) => !byName.has(name));
  throw new TwinrouteError(
    'integrity',
    `parts: ${title}: expected ${names.length} parameters, each from one shard, got ${lines.length}${missing === undefined ? '' : `; ${missing} is missing`}`,
  );
}

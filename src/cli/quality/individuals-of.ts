// What the experts themselves score on the rows of an evaluation: from their checkpoints where those are at hand, else from the manifest.

import { join } from 'node:path';
import { TwinrouteError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { openBase, openExpert } from '../../formats/checkpoint.ts';
import { expertOf, type Pack } from '../../formats/pack.ts';
import type { FolderSource } from '../../formats/source.ts';
import { createTokenizer } from '../../formats/tokenizer.ts';
import { createSha256 } from '../../host/files.ts';
import { withFolder } from '../../host/with-folder.ts';
import { layoutOf, openArchitecture } from '../../model/registry.ts';
import { readProvenance } from '../../build/provenance.ts';
import type { Individual } from './evaluate-pack.ts';
import { predictIndividual, type IndividualExpert } from './individual.ts';
import type { Split, TaskData } from './read-data.ts';

/** Which rows are evaluated, and where checkpoints are. */
export interface IndividualOptions {
  /** Folder with `base/` and a folder for each expert. */
  readonly experts: string | undefined;
  readonly split: Split;
  /** Not all rows of the split. */
  readonly limited: boolean;
}

/**
 * The experts' own results on `data`.
 * @throws {TwinrouteError} `not_found` when neither manifest nor `experts` has them; `incompatible` when the folder holds other models than the pack was built from
 */
export async function individualsOf(
  pack: Pack,
  data: ReadonlyMap<string, TaskData>,
  options: IndividualOptions,
  progress: Progress,
): Promise<Individual> {
  if (options.experts !== undefined) return { scores: new Map(), predictions: await predictAll(pack, data, options.experts, progress) };
  const scores = new Map<string, number>();
  for (const [name, { rows }] of data) {
    const known = pack.manifest.experts.find((expert) => expert.name === name)?.individual;
    // The manifest's score is that of the whole test split; beside other rows it would be a comparison of unlike things.
    if (known !== undefined && options.split === 'test' && !options.limited && known.rows === rows.length) scores.set(name, known.value);
  }
  return { scores, predictions: new Map() };
}

async function predictAll(
  pack: Pack,
  data: ReadonlyMap<string, TaskData>,
  path: string,
  progress: Progress,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const predictions = new Map<string, readonly number[]>();
  await forEachExpert(pack, data, path, progress, async (name, expert, task) => {
    predictions.set(name, await predictIndividual(expert, task));
  });
  return predictions;
}

/**
 * Opens the checkpoint of each task's expert in turn.
 * @param path folder with `base/` and a folder for each expert
 * @throws {TwinrouteError} `incompatible` when the folder holds other models than the pack was built from
 */
export async function forEachExpert(
  pack: Pack,
  data: ReadonlyMap<string, TaskData>,
  path: string,
  progress: Progress,
  use: (name: string, expert: IndividualExpert, task: TaskData) => Promise<void>,
): Promise<void> {
  const { manifest } = pack;
  const tokenizer = createTokenizer(
    await pack.text(manifest.tokenizer.file),
    await pack.text(manifest.tokenizer.config_file),
    manifest.max_tokens,
  );
  const model = openArchitecture(manifest.architecture.type, manifest.architecture.config);
  await withFolder(join(path, 'base'), async (baseFolder) => {
    await expectSame(baseFolder, manifest.base.sha256);
    const base = await openBase(baseFolder, () => layoutOf(model), manifest.base.sha256);
    let done = 0;
    for (const [name, task] of data) {
      progress({ stage: 'individual', done: done++, total: data.size, note: name });
      await withFolder(join(path, name), async (folder) => {
        await expectSame(folder, expertOf(manifest, name).provenance.sha256);
        await use(name, { base, model, source: await openExpert(folder, base), tokenizer }, task);
      });
    }
    progress({ stage: 'individual', done: data.size, total: data.size });
  });
}

async function expectSame(folder: FolderSource, sha256: string): Promise<void> {
  const found = await readProvenance(folder, createSha256);
  if (found.sha256 !== sha256)
    throw new TwinrouteError(
      'incompatible',
      `${folder.name}: expected the model that the pack was built from (${sha256}), got another (${found.sha256})`,
    );
}

// One shard's part of a build: the tensors of its share, or their spectra, in a folder that appears whole or not at all.

import { join } from 'node:path';
import { canonicalJson } from '../../core/canonical-json.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { PART_SCHEMA, type Part } from '../../contract/part.ts';
import { encodePart, openPart, PART_FILE } from '../../formats/part-file.ts';
import { writeSafetensors } from '../../formats/safetensors-writer.ts';
import { writeFolder } from '../../host/atomic-folder.ts';
import { createSha256 } from '../../host/files.ts';
import { withSpool, type Spool } from '../../host/spool.ts';
import { withFolder } from '../../host/with-folder.ts';
import type { BuildDeps } from '../build-pack.ts';
import { measureSpectra, type OwnedSpectrum } from '../budget-ranks.ts';
import type { MergedTensors } from '../merge-models.ts';
import { mergePlan } from '../merge-plan.ts';
import { mergeWork } from '../merge-work.ts';
import { createPackFiles, type PackFiles } from '../pack-files.ts';
import type { BuildPlan } from '../plan.ts';
import { joinedRanks } from './join-spectra.ts';
import { methodOf } from './method-of.ts';
import type { Parts } from './parts.ts';
import { cutShares, type Share } from './share.ts';
import { encodeSpectrum, SPECTRA_FILE } from './spectra-file.ts';

/** Which shard of how many, counted from 0. */
export type Shard = Part['shard'];

/** What a part is, before it is built. */
type PartFacts = Omit<Part, 'experts' | 'fade' | 'files'>;

/** A part. */
export interface BuiltPart {
  readonly part: Part;
  /** Whether it was there already, whole. */
  readonly wasThere: boolean;
}

/**
 * Builds a shard's part. Under a budget there are two rounds: without `spectra` the part holds the spectra of its share, with them its tensors.
 * A part of the same plan, shard, engine and program that is there already is checked and kept, so that a shard can be run again at any time.
 * @param out folder that is made, or replaced when it is a part; untouched when the build fails
 * @param spectra all parts of the first round
 * @throws {TwinrouteError} `unsupported` for a method that needs all parameters together; whatever stood in the way
 * Cost: of its share of the decompositions; about one tensor of every model in memory
 */
export async function buildPart(
  plan: BuildPlan,
  shard: Shard,
  out: string,
  deps: Omit<BuildDeps, 'individual' | 'parts'>,
  spectra: Parts | undefined,
): Promise<BuiltPart> {
  const method = methodOf(plan);
  const kind = 'budget' in plan.rank && spectra === undefined ? 'spectra' : 'merged';
  const facts = {
    schema: PART_SCHEMA,
    kind,
    name: plan.config.name,
    config: plan.id,
    shard,
    engine: deps.engine.name,
    producer: deps.producer,
  } satisfies PartFacts;
  const known = await wholePart(out, facts);
  if (known !== undefined) return { part: known, wasThere: true };
  const ranks = spectra && (await joinedRanks(plan, spectra, deps));
  const share = cutShares(plan, shard.count)[shard.index];
  const part = await writeFolder(out, isPart, async (folder) => {
    const files = createPackFiles(folder);
    const { experts, fade } = await withSpool(join(folder.path, '.spool'), (spool) =>
      kind === 'spectra' ? writeSpectra(plan, share, spool, files, deps) : mergePlan(plan, method, spool, files, deps, { share, ranks }),
    );
    const made: Part = {
      ...facts,
      experts: plan.experts.map(({ name }, t) => ({ name, tensors: [...experts[t]] })),
      ...(fade !== undefined && { fade: [...fade] }),
      files: files.written(),
    };
    await folder.write(PART_FILE, encodePart(made, createSha256));
    return made;
  });
  return { part, wasThere: false };
}

async function writeSpectra(
  plan: BuildPlan,
  share: Share,
  spool: Spool,
  files: PackFiles,
  { engine, progress }: Pick<BuildDeps, 'engine' | 'progress'>,
): Promise<MergedTensors> {
  if (!('budget' in plan.rank)) throw new TwinrouteError('internal', 'writeSpectra: expected a budget');
  const store = async (spectrum: OwnedSpectrum): Promise<void> => {
    const { tensor, data } = encodeSpectrum(spectrum);
    await spool.add(SPECTRA_FILE, tensor, data);
  };
  await measureSpectra(plan, mergeWork(plan, methodOf(plan), engine.matmul), plan.rank.budget, share, store, progress);
  await files.write(SPECTRA_FILE, writeSafetensors(spool.producers(SPECTRA_FILE)));
  return { experts: plan.experts.map(() => []), fade: undefined };
}

/** Whether a folder is a part; other folders are never replaced. */
async function isPart(path: string): Promise<boolean> {
  try {
    await withFolder(path, (folder) => openPart(folder, createSha256));
    return true;
  } catch {
    return false;
  }
}

/** The part at `path` when it is the wanted one and every byte of it is right. */
async function wholePart(path: string, wanted: PartFacts): Promise<Part | undefined> {
  try {
    return await withFolder(path, async (folder) => {
      const { part, source } = await openPart(folder, createSha256);
      const { experts: _experts, fade: _fade, files, ...facts } = part;
      if (canonicalJson(facts) !== canonicalJson(wanted)) return undefined;
      for (const file of Object.keys(files)) await source(file);
      return part;
    });
  } catch {
    return undefined; // nothing there, or nothing whole
  }
}

// The diagnosis of a build config: opens what can be opened, and says of the rest why not. A build, in contrast, stops at the first model
// that does not fit.

import type { Finding } from '../../core/diagnose/findings.ts';
import { isTwinrouteError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { openBase, openExpert, type ExpertSource } from '../../formats/checkpoint.ts';
import { createSha256, openFolder, type HostFolder } from '../../host/files.ts';
import { layoutOf, openArchitecture } from '../../model/registry.ts';
import type { BuildPlan } from '../plan.ts';
import { readProvenance } from '../provenance.ts';
import type { NamedConfig } from '../read-config.ts';
import { diagnose, type Diagnosis } from './diagnose.ts';
import { refusalOf } from './refusal.ts';

/** The diagnosis of a build that was planned. */
export function diagnosePlan({ base, baseProvenance, experts, config }: BuildPlan, progress: Progress): Promise<Diagnosis> {
  return diagnose({ base, baseSource: sourceOf(baseProvenance.source), experts, seed: config.parameters.seed }, progress);
}

/**
 * The diagnosis of a config, whose experts need not fit.
 * @throws {TwinrouteError} when the base cannot be opened
 */
export async function diagnoseConfig(
  config: Pick<NamedConfig, 'base_model' | 'models' | 'parameters'>,
  progress: Progress,
): Promise<Diagnosis> {
  const folders: HostFolder[] = [];
  const open = async (path: string): Promise<HostFolder> => {
    const folder = await openFolder(path);
    folders.push(folder);
    return folder;
  };
  try {
    const baseFolder = await open(config.base_model);
    const { sha256, source } = await readProvenance(baseFolder, createSha256);
    const base = await openBase(baseFolder, (value) => layoutOf(openArchitecture(value.model_type, value)), sha256);
    const experts: { name: string; source: ExpertSource }[] = [];
    const refused: Finding[] = [];
    for (const { name, model } of config.models) {
      try {
        experts.push({ name, source: await openExpert(await open(model), base) });
      } catch (error) {
        if (!isTwinrouteError(error)) throw error;
        refused.push(refusalOf(name, error));
      }
    }
    const seen = await diagnose({ base, baseSource: sourceOf(source), experts, seed: config.parameters.seed }, progress);
    return { ...seen, findings: [...refused, ...seen.findings] };
  } finally {
    await Promise.all(folders.map((folder) => folder.close()));
  }
}

/** Cards that say nothing count as unspecified. */
function sourceOf(source: string): string | undefined {
  return source === 'unspecified' ? undefined : source;
}

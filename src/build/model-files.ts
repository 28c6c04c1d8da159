// The files of a pack that merging makes: the shared model, the fade or the unified vector, and the experts. Tensors wait for theirs under its name.

import { writeSafetensors, type TensorProducer } from '../formats/safetensors-writer.ts';
import type { MergedTensors } from './merge-models.ts';
import type { PackFiles } from './pack-files.ts';
import type { BuildPlan } from './plan.ts';

/** Where a pack's shared model lies. */
export const SHARED_FILE = 'shared.safetensors';
/** Where its fade lies. */
export const FADE_FILE = 'fade.safetensors';
/** Where its unified vector lies. */
export const UNIFIED_FILE = 'unified.safetensors';

/** Where an expert's file lies in a pack. */
export function expertFile(name: string): string {
  return `experts/${name}.safetensors`;
}

/** The model files of a plan. */
export function modelFiles({ config, experts }: Pick<BuildPlan, 'config' | 'experts'>, { fade }: Pick<MergedTensors, 'fade'>): string[] {
  return [
    SHARED_FILE,
    ...(config.merge_method === 'emr' ? [UNIFIED_FILE] : []),
    ...(fade !== undefined ? [FADE_FILE] : []),
    ...experts.map(({ name }) => expertFile(name)),
  ];
}

/** Writes the model files of a plan. */
export async function writeModelFiles(
  plan: Pick<BuildPlan, 'config' | 'experts'>,
  tensors: MergedTensors,
  producersOf: (file: string) => readonly TensorProducer[],
  files: PackFiles,
): Promise<void> {
  for (const file of modelFiles(plan, tensors))
    await files.write(file, writeSafetensors(producersOf(file), file === SHARED_FILE ? { format: 'pt' } : {}));
}

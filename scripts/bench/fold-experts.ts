// Full checkpoints of adapters: each one folded into its base, as training without LoRA would have left it. What the out-of-core build is
// measured on.

import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTheta } from '../../src/build/theta.ts';
import { matmulPlain } from '../../src/core/linalg/matmul.ts';
import { openBase, openExpert } from '../../src/formats/checkpoint.ts';
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { openFolder } from '../../src/host/files.ts';
import { layoutOf, openArchitecture } from '../../src/model/registry.ts';

/**
 * Writes `OUT/<name>` for every adapter `FROM/<name>` over `FROM/base`.
 * @param dtype how weights are stored
 */
export async function foldExperts(from: string, names: readonly string[], out: string, dtype: 'F32' | 'F16'): Promise<void> {
  const baseFolder = await openFolder(join(from, 'base'));
  const base = await openBase(baseFolder, (config) => layoutOf(openArchitecture(config.model_type, config)));
  for (const name of names) {
    const folder = await openFolder(join(from, name));
    const expert = await openExpert(folder, base);
    const target = join(out, name);
    await mkdir(target, { recursive: true });
    const encoder = base.layout.parameters.map((parameter) => ({
      name: `bert.${parameter.name}`,
      dtype,
      shape: parameter.shape,
      data: async () =>
        storeFloats(await readTheta(await base.readFloat(parameter.name), expert.parameter(parameter.name), matmulPlain), dtype),
    }));
    const head = Object.entries(expert.head).map(([part, { shape, data }]) => ({
      name: `classifier.${part}`,
      dtype,
      shape,
      data: () => storeFloats(data, dtype),
    }));
    await writeFile(join(target, 'model.safetensors'), writeSafetensors([...encoder, ...head], { format: 'pt' }));
    await copyFile(join(from, name, 'config.json'), join(target, 'config.json'));
    await folder.close();
  }
  await baseFolder.close();
}

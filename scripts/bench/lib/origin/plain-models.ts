// Plain merged models as files that any onnxruntime loads: what `twinroute export --format onnx --mix` writes, one for each expert.

import { join } from 'node:path';
import { exportPack } from '../../../../src/build/export/export-pack.ts';
import { exportFormat } from '../../../../src/build/export/registry.ts';
import { parseMix } from '../../../../src/core/mix.ts';
import type { Pack } from '../../../../src/formats/pack.ts';

/** Writes them below `folder`; the files, in the order of the experts. */
export async function writePlainModels(pack: Pack, folder: string): Promise<readonly string[]> {
  const names = pack.manifest.experts.map(({ name }) => name);
  const files: string[] = [];
  for (const name of names) {
    const out = join(folder, name);
    await exportPack(pack, exportFormat('onnx'), out, { mix: parseMix({ [name]: 1 }, names) }, 'origin.bench');
    files.push(join(out, 'model.onnx'));
  }
  return files;
}

// `spectra.safetensors` of a part: for each matrix and each expert (T for the fade) one f64 tensor, ‖delta‖² and then the singular values. All
// 64 bits are kept, since ranks are decided by comparing them.

import { TwinrouteError } from '../../core/errors.ts';
import type { StoredTensor } from '../../formats/expert-file.ts';
import { openSafetensors } from '../../formats/safetensors.ts';
import type { ByteSource } from '../../formats/source.ts';
import type { OwnedSpectrum } from '../budget-ranks.ts';

/** Name of the file. */
export const SPECTRA_FILE = 'spectra.safetensors';

/** A spectrum as it is stored. */
export function encodeSpectrum({ name, t, values, energy }: OwnedSpectrum): StoredTensor {
  const data = Float64Array.of(energy, ...values);
  return { tensor: { name: keyOf(name, t), dtype: 'F64', shape: [data.length] }, data };
}

/** A file's spectra by matrix and expert; undefined where it has none. */
export type SpectraFile = (name: string, t: number) => Promise<Pick<OwnedSpectrum, 'values' | 'energy'> | undefined>;

/**
 * Opens a file of spectra.
 * @throws {TwinrouteError} `format` when it is none, here or when a spectrum is read
 */
export async function openSpectra(source: ByteSource): Promise<SpectraFile> {
  const file = await openSafetensors(source);
  return async (name, t) => {
    const info = file.info(keyOf(name, t));
    if (info === undefined) return undefined;
    if (info.dtype !== 'F64' || info.shape.length !== 1 || info.shape[0] === 0)
      throw new TwinrouteError('format', `${file.name}: ${keyOf(name, t)}: expected F64 [n], got ${info.dtype} [${info.shape.join(', ')}]`);
    const { buffer } = await file.readBytes(keyOf(name, t));
    const all = new Float64Array(buffer.slice(0));
    return { energy: all[0], values: all.subarray(1) };
  };
}

function keyOf(name: string, t: number): string {
  return `${name}.${t}`;
}

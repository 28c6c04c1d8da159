// Whole tensors of one safetensors file, by name, each as the reader expects it.

import { expectFinite } from '../core/assert-finite.ts';
import { expectFloat, type FloatTensor } from '../core/tensor.ts';
import { openSafetensors } from './safetensors.ts';
import type { ByteSource } from './source.ts';

/**
 * Reads the named tensors, as f32.
 * @throws {TwinrouteError} `not_found` or `shape` when one is missing or another; `format` for NaN and infinity
 * Cost: the tensors in f32
 */
export async function readTensors(
  source: ByteSource,
  wanted: readonly { readonly name: string; readonly shape: readonly number[] }[],
): Promise<ReadonlyMap<string, FloatTensor>> {
  const file = await openSafetensors(source);
  const tensors = new Map<string, FloatTensor>();
  for (const { name, shape } of wanted) {
    const title = `${file.name}: ${name}`;
    tensors.set(name, expectFinite(expectFloat(await file.readFloat(name), shape, title), title));
  }
  return tensors;
}

// The BYTES columns of a request: its texts, and the heads that it asks for.

import { TwinrouteError } from '../../core/errors.ts';
import { readTexts, type RawTensor } from './tensors.ts';

/** A request's tensors by name. */
export type Tensors = ReadonlyMap<string, RawTensor>;

/** A tensor that a request must have. @throws {TwinrouteError} `invalid_request` */
export function requireTensor(tensors: Tensors, name: string): RawTensor {
  const tensor = tensors.get(name);
  if (tensor !== undefined) return tensor;
  throw new TwinrouteError('invalid_request', `inputs: expected "${name}", got none`, { param: name });
}

/** Texts of each row; an empty second text is none. @throws {TwinrouteError} `invalid_request` */
export function readTextColumns(tensors: Tensors, batch: number): readonly { readonly text: string; readonly pair: string | undefined }[] {
  const texts = readTexts(requireTensor(tensors, 'text'));
  const pairs = readOptional(tensors.get('text_pair'), batch);
  return texts.map((text, i) => ({ text, pair: pairs[i] }));
}

/**
 * The expert whose head each row asks for, undefined where it asks for none.
 * @param experts those that may be asked for
 * @throws {TwinrouteError} `not_found` for another
 */
export function readHeadColumn(experts: readonly string[], tensors: Tensors, batch: number): readonly (string | undefined)[] {
  const heads = readOptional(tensors.get('head'), batch);
  const other = heads.find((head) => head !== undefined && !experts.includes(head));
  if (other === undefined) return heads;
  throw new TwinrouteError('not_found', `inputs.head: expected an expert that is here, got "${other.slice(0, 64)}"`, { param: 'head' });
}

function readOptional(tensor: RawTensor | undefined, batch: number): readonly (string | undefined)[] {
  if (tensor === undefined) return Array.from({ length: batch }, () => undefined);
  return readTexts(tensor).map((text) => (text === '' ? undefined : text));
}

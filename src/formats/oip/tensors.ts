// Tensors of the Open Inference Protocol: JSON data (flat or nested) and little-endian bytes in, values out, and back. Numbers are read
// into f64, which holds every INT32 and FP32 exactly and every INT64 that can be an id.

import { TwinrouteError } from '../../core/errors.ts';
import { sizeOf } from '../../core/tensor.ts';
import type { OipDatatype, OipInput, OipRequest } from '../../contract/oip.ts';

/** A tensor of a request that has not been read yet. */
export interface RawTensor extends OipInput {
  /** Its share of the bytes behind the JSON; absent when `data` holds the values. */
  readonly bytes?: Uint8Array;
}

/** A tensor of an answer. */
export type OutputTensor = { readonly name: string; readonly shape: readonly number[] } & (
  | { readonly datatype: 'FP32'; readonly values: Float32Array }
  | { readonly datatype: 'INT32'; readonly values: Int32Array }
  | { readonly datatype: 'BOOL'; readonly values: readonly boolean[] }
  | { readonly datatype: 'BYTES'; readonly values: readonly string[] }
);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The request's tensors by name, each with its share of the binary section, which must be used up.
 * @throws {TwinrouteError} `invalid_request` for a name that comes twice, a size that does not fit, or left-over bytes
 */
export function splitTensors(request: OipRequest, binary: Uint8Array): ReadonlyMap<string, RawTensor> {
  const tensors = new Map<string, RawTensor>();
  let offset = 0;
  for (const input of request.inputs) {
    if (tensors.has(input.name)) throw invalid(input.name, 'expected each input once, got it twice');
    const size = input.parameters?.['binary_data_size'];
    if ((size === undefined) === (input.data === undefined))
      throw invalid(input.name, 'expected either data or parameters.binary_data_size');
    if (size === undefined) {
      tensors.set(input.name, input);
      continue;
    }
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > binary.length - offset) {
      throw invalid(input.name, `expected a binary_data_size of at most the ${binary.length - offset} bytes left, got ${size}`);
    }
    tensors.set(input.name, { ...input, bytes: binary.subarray(offset, offset + size) });
    offset += size;
  }
  if (offset === binary.length) return tensors;
  throw new TwinrouteError('invalid_request', `body: expected ${offset} bytes behind the JSON, got ${binary.length}`);
}

/** How the numeric types lie in bytes and what they may hold. */
const NUMERIC: Partial<
  Record<OipDatatype, { bytes: number; read: (view: DataView, offset: number) => number; fits: (value: number) => boolean }>
> = {
  INT32: { bytes: 4, read: (view, offset) => view.getInt32(offset, true), fits: (value) => (value | 0) === value },
  INT64: { bytes: 8, read: (view, offset) => Number(view.getBigInt64(offset, true)), fits: Number.isSafeInteger },
  FP32: { bytes: 4, read: (view, offset) => view.getFloat32(offset, true), fits: () => true },
};

/**
 * Values of an INT32, INT64 or FP32 tensor, row-major. The caller has checked the datatype and bounded the shape.
 * @throws {TwinrouteError} `invalid_request` when they do not fit datatype and shape
 */
export function readNumbers(tensor: RawTensor): Float64Array {
  const { name, datatype, shape, bytes } = tensor;
  const type = NUMERIC[datatype];
  if (type === undefined) throw invalid(name, `expected numbers, got ${datatype}`);
  const size = sizeOf(shape);
  const values = new Float64Array(size);
  if (bytes === undefined) {
    for (const [i, value] of flatten(tensor).entries()) {
      if (typeof value !== 'number' || !type.fits(value))
        throw invalid(name, `expected ${datatype} values, got ${describe(value)} at ${i}`);
      values[i] = value;
    }
    return values;
  }
  if (bytes.length !== size * type.bytes)
    throw invalid(name, `expected ${size * type.bytes} bytes for [${shape.join(', ')}], got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < size; i++) values[i] = type.read(view, i * type.bytes);
  return values;
}

/**
 * Values of a BYTES tensor as texts, row-major.
 * @throws {TwinrouteError} `invalid_request` when they do not fit the shape or are not UTF-8
 */
export function readTexts(tensor: RawTensor): readonly string[] {
  const { name, shape, bytes } = tensor;
  if (bytes === undefined) {
    return flatten(tensor).map((value, i) => {
      if (typeof value === 'string') return value;
      throw invalid(name, `expected strings, got ${describe(value)} at ${i}`);
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  let offset = 0;
  for (let i = 0; i < sizeOf(shape); i++) {
    const end = offset + 4 <= bytes.length ? offset + 4 + view.getUint32(offset, true) : Infinity;
    if (end > bytes.length)
      throw invalid(name, `expected ${sizeOf(shape)} strings with 4-byte lengths, got ${bytes.length} bytes that end in string ${i}`);
    try {
      texts.push(utf8.decode(bytes.subarray(offset + 4, end)));
    } catch (cause) {
      throw new TwinrouteError('invalid_request', `inputs.${name}: expected UTF-8, got other bytes in string ${i}`, { param: name, cause });
    }
    offset = end;
  }
  if (offset === bytes.length) return texts;
  throw invalid(name, `expected ${offset} bytes for ${texts.length} strings, got ${bytes.length}`);
}

/** FP32 values `[vectors.length, width]`, a row each. */
export function stacked(name: string, vectors: readonly ArrayLike<number>[], width: number): OutputTensor {
  const values = new Float32Array(vectors.length * width);
  for (const [i, vector] of vectors.entries()) values.set(vector, i * width);
  return { name, datatype: 'FP32', shape: [vectors.length, width], values };
}

/** A tensor's values for the JSON of an answer, flat. */
export function toJsonData(tensor: OutputTensor): readonly (number | string | boolean)[] {
  return tensor.datatype === 'FP32' || tensor.datatype === 'INT32' ? Array.from(tensor.values) : tensor.values;
}

/** A tensor's values as the bytes behind the JSON of an answer. */
export function toBytes(tensor: OutputTensor): Uint8Array {
  if (tensor.datatype === 'BOOL') return Uint8Array.from(tensor.values, Number);
  if (tensor.datatype === 'BYTES') {
    const encoder = new TextEncoder();
    return concatBytes(
      tensor.values.flatMap((text) => {
        const bytes = encoder.encode(text);
        return [uint32(bytes.length), bytes];
      }),
    );
  }
  const out = new DataView(new ArrayBuffer(4 * tensor.values.length));
  for (const [i, value] of tensor.values.entries()) {
    if (tensor.datatype === 'FP32') out.setFloat32(4 * i, value, true);
    else out.setInt32(4 * i, value, true);
  }
  return new Uint8Array(out.buffer);
}

/** `data` as a flat list: already flat, or nested exactly as the shape says. */
function flatten({ name, shape, data }: RawTensor): readonly unknown[] {
  const expected = `expected data of ${sizeOf(shape)} values, flat or nested as [${shape.join(', ')}]`;
  if (!Array.isArray(data)) throw invalid(name, expected);
  let values: readonly unknown[] = data;
  if (shape.length > 1 && Array.isArray(data[0])) {
    for (const [axis, extent] of shape.entries()) {
      // Every list at this level has `extent` entries; at the last level the entries are the values.
      const lists: readonly unknown[] = axis === 0 ? [data] : values;
      values = lists.flatMap((list) => {
        if (Array.isArray(list) && list.length === extent) return list;
        throw invalid(name, expected);
      });
    }
  }
  if (values.length !== sizeOf(shape)) throw invalid(name, `${expected}, got ${values.length}`);
  return values;
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** One after another, in fresh memory. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? 'a string' : String(value);
}

function invalid(name: string, message: string): TwinrouteError {
  return new TwinrouteError('invalid_request', `inputs.${name}: ${message}`, { param: name });
}

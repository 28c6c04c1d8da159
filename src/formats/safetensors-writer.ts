// Writes safetensors files in one pass and a tensor's memory: the layout is planned from shapes alone, then each tensor is asked for
// when its turn comes. Equal names, shapes and metadata give equal headers: names are in code-unit order, metadata sorted, the header
// padded with spaces to 8 bytes.

import { TwinrouteError } from '../core/errors.ts';
import { floatToBfloat, floatToHalf } from '../core/half.ts';
import { sizeOf, type DType, type Tensor } from '../core/tensor.ts';
import { STORED_BYTES, type StoredType } from './safetensors-types.ts';

/** A tensor to be written. */
export interface PlannedTensor {
  readonly name: string;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
}

/** A tensor to be written and where its data comes from. */
export interface TensorProducer extends PlannedTensor {
  /** The raw little-endian elements; called once, in name order. */
  readonly data: () => Promise<ArrayBufferView> | ArrayBufferView;
}

/** The layout of a file. */
export interface SafetensorsPlan<T extends PlannedTensor = PlannedTensor> {
  /** Length field, JSON and padding. */
  readonly header: Uint8Array;
  /** In file order. */
  readonly tensors: readonly T[];
  /** Of the whole file. */
  readonly sizeBytes: number;
}

/**
 * Lays a file out.
 * @throws {TwinrouteError} `internal` when a name is repeated or is `__metadata__`
 */
export function planSafetensors<T extends PlannedTensor>(
  entries: readonly T[],
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsPlan<T> {
  const tensors = entries.toSorted((a, b) => compare(a.name, b.name));
  const members: string[] = [];
  const texts = Object.entries(metadata).sort(([a], [b]) => compare(a, b));
  // Spelt by hand, since an object would move names that look like array indices to the front.
  if (texts.length > 0)
    members.push(`"__metadata__":{${texts.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`).join(',')}}`);
  let end = 0;
  tensors.forEach(({ name, dtype, shape }, i) => {
    if (name === '__metadata__' || name === tensors[i - 1]?.name)
      throw new TwinrouteError('internal', `planSafetensors: expected distinct tensor names, got ${name} again`);
    const begin = end;
    end += sizeOf(shape) * STORED_BYTES[dtype];
    members.push(`${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${begin},${end}]}`);
  });
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return { header, tensors, sizeBytes: header.length + end };
}

/**
 * The bytes of a file, one chunk for the header and one a tensor.
 * @throws {TwinrouteError} `internal` when a producer gives another number of bytes than it planned
 */
export async function* writeSafetensors(
  entries: readonly TensorProducer[],
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array> {
  const { header, tensors } = planSafetensors(entries, metadata);
  yield header;
  for (const { name, dtype, shape, data } of tensors) {
    const { buffer, byteOffset, byteLength } = await data();
    const planned = sizeOf(shape) * STORED_BYTES[dtype];
    if (byteLength !== planned)
      throw new TwinrouteError('internal', `writeSafetensors: ${name}: expected ${planned} bytes, got ${byteLength}`);
    yield new Uint8Array(buffer, byteOffset, byteLength);
  }
}

const STORED_OF = {
  float32: 'F32',
  float16: 'F16',
  int8: 'I8',
  uint8: 'U8',
  int32: 'I32',
  int64: 'I64',
  bool: 'BOOL',
} as const satisfies Record<DType, StoredType>;

/** The bytes of a file of tensors that are in memory, each stored as its dtype. */
export function encodeSafetensors(tensors: Readonly<Record<string, Tensor>>, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const entries = Object.entries(tensors).map(([name, { dtype, shape, data }]) => ({ name, dtype: STORED_OF[dtype], shape, data }));
  const plan = planSafetensors(entries, metadata);
  const bytes = new Uint8Array(plan.sizeBytes);
  bytes.set(plan.header);
  let offset = plan.header.length;
  for (const { data } of plan.tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/** f32 values as the elements of a stored float type, rounded to nearest even; F32 is `values` itself. */
export function storeFloats(values: Float32Array, dtype: 'F32' | 'F16' | 'BF16'): Float32Array | Uint16Array {
  return dtype === 'F32' ? values : dtype === 'F16' ? floatToHalf(values) : floatToBfloat(values);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

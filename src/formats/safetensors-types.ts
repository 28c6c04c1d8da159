// Element types of safetensors files and their sizes. Types that twinroute does not read are listed too, so that a file which holds one
// beside the tensors that are wanted still opens.

/** Bytes an element of each type of the format that is a whole number of bytes. Source: huggingface/safetensors, README and `Dtype`. */
export const STORED_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  C64: 8,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

/** Element type of a tensor in a file. */
export type StoredType = keyof typeof STORED_BYTES;

/** Whether a text names an element type. */
export function isStoredType(text: unknown): text is StoredType {
  return typeof text === 'string' && Object.hasOwn(STORED_BYTES, text);
}

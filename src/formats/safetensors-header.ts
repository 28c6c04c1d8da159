// The header of a safetensors file, held against everything that the format demands before a byte of data is trusted:
//   8 bytes n (u64, little endian) · n bytes of JSON {name: {dtype, shape, data_offsets: [begin, end]}, __metadata__: {text: text}} · data
// Files come from strangers: a header may lie about lengths, overlap tensors, or hide a second entry behind the same name.

import { TwinrouteError } from '../core/errors.ts';
import { isStoredType, STORED_BYTES, type StoredType } from './safetensors-types.ts';
import type { ByteSource } from './source.ts';

/** The reference implementation's bound; stops a lying length from allocating the address space (CWE-789). */
const MAX_HEADER_BYTES = 100_000_000;
/** A file of a sharded mixture-of-experts model holds some ten thousand tensors; the header bound alone would allow a million and more. */
const MAX_TENSORS = 250_000;
/** Real tensors have at most 5 axes; bounds the cost of shape checks. */
const MAX_DIMS = 16;

/** Where a tensor lies in a file. */
export interface TensorInfo {
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  /** Offset from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** A checked header. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The header of a file; reads nothing else.
 * @throws {TwinrouteError} `format` when it is malformed, contradicts itself or the file's size; `unsupported` for an unknown element type
 * Cost: O(header bytes + tensors · log tensors)
 */
export async function readSafetensorsHeader(source: ByteSource): Promise<SafetensorsHeader> {
  if (source.sizeBytes < 8) fail(source.name, 'at least 8 bytes', `${source.sizeBytes}`);
  const lengthBytes = await source.read(0, 8);
  const length = Number(new DataView(lengthBytes.buffer, lengthBytes.byteOffset, 8).getBigUint64(0, true));
  const limit = Math.min(MAX_HEADER_BYTES, source.sizeBytes - 8);
  if (length > limit) fail(source.name, `a header of at most ${limit} bytes`, `a length field of ${length}`);
  return parseHeader(await source.read(8, length), source.name, 8 + length, source.sizeBytes);
}

function parseHeader(bytes: Uint8Array, name: string, dataStart: number, fileBytes: number): SafetensorsHeader {
  const { text, value } = parseJson(bytes, name);
  const { __metadata__: rawMetadata, ...entries } = value;
  const metadata = rawMetadata === undefined ? {} : checkMetadata(rawMetadata, name);
  const names = Object.keys(entries);
  if (names.length > MAX_TENSORS) fail(name, `at most ${MAX_TENSORS} tensors`, `${names.length}`);
  const tensors = new Map(
    names.sort().map((key) => [key, checkEntry(entries[key], `${name}: tensor ${JSON.stringify(key)}`, dataStart, fileBytes)]),
  );
  // JSON.parse keeps the last of equal keys. With every entry checked to have exactly three fields, the number of members is known,
  // and each member of the text has exactly one colon outside strings.
  const members = Object.keys(value).length + Object.keys(metadata).length + 3 * names.length;
  const colons = countColons(text);
  if (colons !== members) fail(name, 'a header without repeated keys', `${colons - members} repeated`);
  checkCoverage(tensors, name, dataStart, fileBytes);
  return { tensors, metadata };
}

function parseJson(bytes: Uint8Array, name: string): { text: string; value: Record<string, unknown> } {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new TwinrouteError('format', `${name}: expected a JSON header, got bytes that do not parse`, { cause });
  }
  if (!isRecord(value)) return fail(name, 'a JSON object as header', Array.isArray(value) ? 'an array' : typeof value);
  return { text, value };
}

function checkMetadata(value: unknown, name: string): Record<string, string> {
  if (!isRecord(value)) return fail(name, '__metadata__ to be an object', typeof value);
  const texts: [string, string][] = [];
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') return fail(name, `__metadata__ field ${JSON.stringify(key)} to be a string`, typeof text);
    texts.push([key, text]);
  }
  return Object.fromEntries(texts);
}

function checkEntry(entry: unknown, title: string, dataStart: number, fileBytes: number): TensorInfo {
  if (!isRecord(entry) || Object.keys(entry).length !== 3)
    return fail(title, 'an object of dtype, shape and data_offsets', JSON.stringify(entry)?.slice(0, 100));
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string') return fail(title, 'dtype to be a string', typeof dtype);
  if (!isStoredType(dtype))
    throw new TwinrouteError(
      'unsupported',
      `${title}: expected a dtype of ${Object.keys(STORED_BYTES).join(', ')}, got ${dtype.slice(0, 40)}`,
    );
  if (!isCounts(shape) || shape.length > MAX_DIMS)
    return fail(title, `shape to be at most ${MAX_DIMS} whole numbers`, JSON.stringify(shape)?.slice(0, 100));
  if (!isCounts(offsets) || offsets.length !== 2)
    return fail(title, 'data_offsets to be two whole numbers', JSON.stringify(offsets)?.slice(0, 100));
  const [begin, end] = offsets;
  const room = fileBytes - dataStart;
  if (begin > end || end > room) return fail(title, `data_offsets inside ${room} bytes of data`, `[${begin}, ${end}]`);
  // A product beyond 2⁵³ may be rounded, but then it is no length that a file has; a zero extent makes it 0 whatever the others are.
  const bytes = shape.includes(0) ? 0 : shape.reduce((size, extent) => size * extent, STORED_BYTES[dtype]);
  if (bytes !== end - begin) return fail(title, `${bytes} bytes for ${dtype} [${shape.join(', ')}]`, `${end - begin}`);
  return { dtype, shape, offset: dataStart + begin, bytes };
}

/** The format demands that the tensors tile the data: no overlaps, no holes, nothing behind the last. */
function checkCoverage(tensors: ReadonlyMap<string, TensorInfo>, name: string, dataStart: number, fileBytes: number): void {
  let end = dataStart;
  for (const [key, { offset, bytes }] of [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes)) {
    if (offset !== end)
      fail(
        `${name}: tensor ${JSON.stringify(key)}`,
        `data to start at byte ${end}`,
        `${offset} (${offset < end ? 'an overlap' : 'a hole'})`,
      );
    end = offset + bytes;
  }
  if (end !== fileBytes) fail(name, `data to end with the file at byte ${fileBytes}`, `${end}`);
}

/** Colons outside strings of a valid JSON text. */
function countColons(text: string): number {
  let colons = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 34) inString = !inString;
    else if (char === 92) i++;
    else if (char === 58 && !inString) colons++;
  }
  return colons;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function fail(title: string, expected: string, got: string | undefined): never {
  throw new TwinrouteError('format', `${title}: expected ${expected}, got ${got ?? 'nothing'}`);
}

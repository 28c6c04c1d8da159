// The part of the protobuf wire format that ONNX files need: varints, 32-bit floats, length-delimited fields and packed integers.
// A message is a list of pieces with a known total size, so that nesting never copies and large blobs are made only while the one
// exact-size buffer is filled. Source: protobuf.dev, "Encoding".

import { TwinrouteError } from '../../core/errors.ts';

/** Bytes that are produced when the file is assembled, and dropped right after. */
interface Blob {
  readonly sizeBytes: number;
  readonly bytes: () => Uint8Array;
}

/** A message under construction. Fields are encoded in the order in which they are added; methods return the message. */
export interface ProtoMessage {
  readonly sizeBytes: number;
  readonly pieces: readonly (Uint8Array | Blob)[];
  /** An int32, int64, enum or bool field; a safe integer, negative ones as two's complement. */
  int(field: number, value: number): ProtoMessage;
  /** A float (fixed 32-bit) field. */
  float(field: number, value: number): ProtoMessage;
  /** A string field. */
  text(field: number, value: string): ProtoMessage;
  /** A repeated integer field, packed. */
  packed(field: number, values: readonly number[]): ProtoMessage;
  /** An embedded message; it must not grow afterwards. */
  message(field: number, value: ProtoMessage): ProtoMessage;
  /** A bytes field whose content `bytes` gives when the file is assembled. */
  blob(field: number, sizeBytes: number, bytes: () => Uint8Array): ProtoMessage;
}

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

/** Protobuf readers refuse messages of 2 GiB and more. */
const MAX_MESSAGE_BYTES = 2 ** 31 - 1;

/** An empty message. */
export function createMessage(): ProtoMessage {
  const pieces: (Uint8Array | Blob)[] = [];
  let sizeBytes = 0;
  const push = (...more: readonly (Uint8Array | Blob)[]): ProtoMessage => {
    for (const piece of more) {
      pieces.push(piece);
      sizeBytes += piece instanceof Uint8Array ? piece.length : piece.sizeBytes;
    }
    return message;
  };
  const delimited = (field: number, body: Uint8Array): ProtoMessage => push(tag(field, WIRE_BYTES), varint(body.length), body);
  const message: ProtoMessage = {
    pieces,
    get sizeBytes() {
      return sizeBytes;
    },
    int: (field, value) => push(tag(field, WIRE_VARINT), varint(value)),
    float(field, value) {
      const body = new Uint8Array(4);
      new DataView(body.buffer).setFloat32(0, value, true);
      return push(tag(field, WIRE_FIXED32), body);
    },
    text: (field, value) => delimited(field, new TextEncoder().encode(value)),
    packed: (field, values) => delimited(field, Uint8Array.from(values.flatMap((value) => [...varint(value)]))),
    message(field, value) {
      push(tag(field, WIRE_BYTES), varint(value.sizeBytes));
      for (const piece of value.pieces) push(piece);
      return message;
    },
    blob: (field, size, bytes) => push(tag(field, WIRE_BYTES), varint(size), { sizeBytes: size, bytes }),
  };
  return message;
}

/**
 * The message's bytes.
 * @throws {TwinrouteError} `unsupported` when it is larger than protobuf allows; `internal` when a blob is not of its stated size
 * Cost: one buffer of the message's size, and one blob at a time
 */
export function encodeMessage(message: ProtoMessage): Uint8Array {
  if (message.sizeBytes > MAX_MESSAGE_BYTES) {
    throw new TwinrouteError('unsupported', `encodeMessage: expected at most ${MAX_MESSAGE_BYTES} bytes, got ${message.sizeBytes}`);
  }
  const out = new Uint8Array(message.sizeBytes);
  let offset = 0;
  for (const piece of message.pieces) {
    const isBlob = !(piece instanceof Uint8Array);
    const bytes = isBlob ? piece.bytes() : piece;
    if (isBlob && bytes.length !== piece.sizeBytes) {
      throw new TwinrouteError('internal', `encodeMessage: expected a blob of ${piece.sizeBytes} bytes, got ${bytes.length}`);
    }
    out.set(bytes, offset);
    offset += bytes.length;
  }
  return out;
}

function tag(field: number, wireType: number): Uint8Array {
  return varint(field * 8 + wireType);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

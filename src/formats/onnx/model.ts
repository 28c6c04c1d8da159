// ONNX models as plain data, and their bytes. Only what twinroute emits: one graph, one output a node, weights inside the file.
// The encoding is a function of the model alone: equal models give equal bytes.
// Source of field numbers: onnx.proto (onnx/onnx, IR version 9).

import { sizeOf, type ArrayOf, type DType } from '../../core/tensor.ts';
import { createMessage, encodeMessage, type ProtoMessage } from './protobuf.ts';

/** Attribute of a node; ONNX tells integers from floats. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string };

/** One operator of a graph. */
export interface OnnxNode {
  readonly op: string;
  /** An empty name leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A constant of a graph. */
export interface OnnxInitializer<D extends DType = DType> {
  readonly name: string;
  readonly dtype: D;
  readonly shape: readonly number[];
  /** Makes the row-major data; called once, while the file is assembled, so that a transposed copy lives only for that moment. */
  readonly data: () => ArrayOf[D];
}

/** An input or output of a graph; a name as extent is symbolic. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** A model of one graph. */
export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxInitializer[];
  /** In an order in which they can run. */
  readonly nodes: readonly OnnxNode[];
  /** Free facts for whoever inspects the file. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Version of ONNX's own operators: the first with Gelu, and read by engines from 2024 on. No other operator set is used. */
const OPSET = 20;
const IR_VERSION = 9;
const PRODUCER = 'twinroute';

/** Numbers of the element types, as `Cast` wants them. */
export const ELEMENT_TYPE = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 } as const satisfies Record<
  DType,
  number
>;
const ELEMENT_BYTES = { float32: 4, uint8: 1, int8: 1, int32: 4, int64: 8, bool: 1, float16: 2 } as const satisfies Record<DType, number>;

/**
 * The file of a model.
 * @throws {TwinrouteError} `unsupported` when it would be 2 GiB or larger; `internal` when an initializer's data does not fill its shape
 * Cost: one buffer of the file's size, and one initializer's data at a time
 */
export function encodeModel(model: OnnxModel): Uint8Array {
  const message = createMessage().int(1, IR_VERSION).text(2, PRODUCER).message(7, graphOf(model));
  message.message(8, createMessage().int(2, OPSET));
  for (const [key, value] of Object.entries(model.metadata)) message.message(14, createMessage().text(1, key).text(2, value));
  return encodeMessage(message);
}

function graphOf(model: OnnxModel): ProtoMessage {
  const graph = createMessage();
  for (const node of model.nodes) graph.message(1, nodeOf(node));
  graph.text(2, model.name);
  for (const initializer of model.initializers) graph.message(5, tensorOf(initializer));
  for (const value of model.inputs) graph.message(11, valueOf(value));
  for (const value of model.outputs) graph.message(12, valueOf(value));
  return graph;
}

function nodeOf(node: OnnxNode): ProtoMessage {
  const message = createMessage();
  for (const name of node.inputs) message.text(1, name);
  message.text(2, node.output).text(3, node.output).text(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes)) message.message(5, attributeOf(name, attribute));
  return message;
}

function attributeOf(name: string, attribute: OnnxAttribute): ProtoMessage {
  const message = createMessage().text(1, name);
  if ('float' in attribute) return message.float(2, attribute.float).int(20, 1);
  if ('int' in attribute) return message.int(3, attribute.int).int(20, 2);
  if ('text' in attribute) return message.text(4, attribute.text).int(20, 3);
  return message.packed(8, attribute.ints).int(20, 7);
}

function tensorOf({ name, dtype, shape, data }: OnnxInitializer): ProtoMessage {
  const message = createMessage().packed(1, shape).int(2, ELEMENT_TYPE[dtype]).text(8, name);
  // Typed arrays are little-endian, as ONNX wants, on every machine that onnxruntime runs on.
  return message.blob(9, sizeOf(shape) * ELEMENT_BYTES[dtype], () => {
    const array = data();
    return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  });
}

function valueOf({ name, dtype, shape }: OnnxValue): ProtoMessage {
  const dims = createMessage();
  for (const extent of shape)
    dims.message(1, typeof extent === 'number' ? createMessage().int(1, extent) : createMessage().text(2, extent));
  const tensorType = createMessage().int(1, ELEMENT_TYPE[dtype]).message(2, dims);
  return createMessage().text(1, name).message(2, createMessage().message(1, tensorType));
}

// Builds an ONNX model node by node. Values are names; the builder makes fresh ones, so that whoever emits a graph thinks in values.

import { TwinrouteError } from '../../core/errors.ts';
import type { ArrayOf, DType } from '../../core/tensor.ts';
import { halveModel } from './halve-model.ts';
import { encodeModel, type OnnxAttribute, type OnnxInitializer, type OnnxModel, type OnnxNode, type OnnxValue } from './model.ts';

/** Name of a value of a graph. */
export type ValueName = string;

/** What a graph's floats are computed and stored in. Its inputs and outputs are f32 either way. */
export type FloatPrecision = 'fp32' | 'fp16';

/** A graph under construction. */
export interface GraphBuilder {
  /** Declares an input; a name as extent is symbolic. */
  readonly input: (name: string, dtype: DType, shape: readonly (number | string)[]) => ValueName;
  /** Declares `value` as the output `name`. */
  readonly output: (name: string, value: ValueName, dtype: DType, shape: readonly (number | string)[]) => void;
  /** Adds a constant under a name that is used once; `data` is called when the file is assembled. */
  readonly constant: <D extends DType>(name: string, dtype: D, shape: readonly number[], data: () => ArrayOf[D]) => ValueName;
  /** A constant 1-D int64, such as a shape or axes; equal ones are shared. */
  readonly ints: (values: readonly number[]) => ValueName;
  /** The same of int32, such as indices. */
  readonly int32s: (values: readonly number[]) => ValueName;
  /** A constant f32 scalar; equal ones are shared. */
  readonly scalar: (value: number) => ValueName;
  /** Adds a node; an empty input name leaves an optional input out. Returns its output. */
  readonly node: (op: string, inputs: readonly ValueName[], attributes?: Readonly<Record<string, OnnxAttribute>>) => ValueName;
  /** The file, with free facts for whoever inspects it. */
  readonly encode: (metadata?: Readonly<Record<string, string>>) => Uint8Array;
}

/** An empty graph. */
export function createGraph(name: string, precision: FloatPrecision = 'fp32'): GraphBuilder {
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  const initializers: OnnxInitializer[] = [];
  const nodes: OnnxNode[] = [];
  const names = new Set<string>();
  const claim = (value: ValueName): ValueName => {
    if (names.has(value)) throw new TwinrouteError('internal', `createGraph: expected one value named ${value}, got two`);
    names.add(value);
    return value;
  };
  const shared = new Map<string, ValueName>();
  const sharedConstant = (key: string, initializer: Omit<OnnxInitializer, 'name'>): ValueName => {
    const known = shared.get(key);
    if (known !== undefined) return known;
    const fresh = claim(`constant_${shared.size}`);
    initializers.push({ ...initializer, name: fresh });
    shared.set(key, fresh);
    return fresh;
  };
  return {
    input(value, dtype, shape) {
      inputs.push({ name: claim(value), dtype, shape });
      return value;
    },
    output(value, source, dtype, shape) {
      outputs.push({ name: claim(value), dtype, shape });
      nodes.push({ op: 'Identity', inputs: [source], output: value, attributes: {} });
    },
    constant(value, dtype, shape, data) {
      initializers.push({ name: claim(value), dtype, shape, data });
      return value;
    },
    ints: (values) =>
      sharedConstant(`int64 ${values.join(' ')}`, {
        dtype: 'int64',
        shape: [values.length],
        data: () => BigInt64Array.from(values, BigInt),
      }),
    int32s: (values) =>
      sharedConstant(`int32 ${values.join(' ')}`, { dtype: 'int32', shape: [values.length], data: () => Int32Array.from(values) }),
    scalar: (value) => sharedConstant(`float32 ${value}`, { dtype: 'float32', shape: [], data: () => Float32Array.of(value) }),
    node(op, sources, attributes = {}) {
      const output = claim(`${op}_${nodes.length}`);
      nodes.push({ op, inputs: sources, output, attributes });
      return output;
    },
    encode(metadata = {}) {
      const model: OnnxModel = { name, inputs, outputs, initializers, nodes, metadata };
      return encodeModel(precision === 'fp16' ? halveModel(model) : model);
    },
  };
}

// A model of f32 as one that stores and computes its floats in half precision. Inputs and outputs stay f32, so that whoever feeds it need not know:
// each is cast at the border.

import { floatToHalf } from '../../core/half.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { ELEMENT_TYPE, type OnnxInitializer, type OnnxModel, type OnnxNode } from './model.ts';

/** The largest finite half. A larger constant, such as the score of a masked token, would become infinite, and infinity times 0 is no number. */
const LARGEST = 65504;

/**
 * The model in half precision; the given one is not modified.
 * @throws {TwinrouteError} `unsupported`, once the file is assembled, for a constant that is no number or infinite
 * Cost: a constant's halves beside it while the file is assembled
 */
export function halveModel(model: OnnxModel): OnnxModel {
  const inputs = namesOfFloats(model.inputs);
  const outputs = namesOfFloats(model.outputs);
  const inside = (name: string): string => (inputs.has(name) || outputs.has(name) ? `${name}.half` : name);
  return {
    ...model,
    initializers: model.initializers.map(halve),
    nodes: [
      ...Array.from(inputs, (name) => cast(name, inside(name), 'float16')),
      ...model.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map(inside),
        output: inside(node.output),
        attributes: castsToFloat(node) ? { to: { int: ELEMENT_TYPE.float16 } } : node.attributes,
      })),
      ...Array.from(outputs, (name) => cast(inside(name), name, 'float32')),
    ],
  };
}

function namesOfFloats(values: OnnxModel['inputs']): ReadonlySet<string> {
  return new Set(values.flatMap(({ name, dtype }) => (dtype === 'float32' ? [name] : [])));
}

function cast(from: string, to: string, dtype: 'float16' | 'float32'): OnnxNode {
  return { op: 'Cast', inputs: [from], output: to, attributes: { to: { int: ELEMENT_TYPE[dtype] } } };
}

function castsToFloat({ op, attributes }: OnnxNode): boolean {
  const { to } = attributes;
  return op === 'Cast' && to !== undefined && 'int' in to && to.int === ELEMENT_TYPE.float32;
}

function halve(initializer: OnnxInitializer): OnnxInitializer {
  const { name, shape, data } = initializer;
  if (initializer.dtype !== 'float32') return initializer;
  return {
    name,
    dtype: 'float16',
    shape,
    data() {
      const values = data();
      if (!(values instanceof Float32Array)) throw new TwinrouteError('internal', `halveModel: expected f32 for ${name}`);
      return floatToHalf(values.map((value) => clamp(name, value)));
    },
  };
}

function clamp(name: string, value: number): number {
  if (Number.isFinite(value)) return Math.max(-LARGEST, Math.min(LARGEST, value));
  throw new TwinrouteError('unsupported', `${name}: expected finite numbers, which half precision needs, got ${value}`);
}

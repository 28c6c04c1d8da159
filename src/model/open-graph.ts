// A plain graph some of whose weights are inputs: one compiled session answers with any merged weights, and only what differs between merges
// is kept once for each.

import { TwinrouteError } from '../core/errors.ts';
import { floatTensor, type FloatTensor } from '../core/tensor.ts';
import { createGraph, type FloatPrecision, type GraphBuilder } from '../formats/onnx/graph.ts';
import type { Architecture } from './architecture.ts';
import { emitInto } from './onnx-emitter.ts';
import { padded, type CreateLayout } from './token-layout.ts';
import type { GraphHead, ReadParameter } from './twin-parameters.ts';

/** How an open graph is written. */
export interface OpenGraphForm {
  /** Of its constants and arithmetic; fp32 when left out. */
  readonly precision?: FloatPrecision | undefined;
  /** `padded` when left out. */
  readonly layout?: CreateLayout;
}

/** Told of a constant of the graph that became an input; the tensor is made when it is asked for. */
type OnOpen = (name: string, tensor: () => FloatTensor) => void;

/**
 * ONNX bytes of the plain model with the parameters `open` as f32 inputs of their own names, arranged as `openWeights` gives them.
 * @throws {TwinrouteError} as `emitPlainGraph`
 */
export function emitOpenGraph<C>(
  architecture: Architecture<C>,
  config: C,
  parameters: ReadParameter,
  open: ReadonlySet<string>,
  heads: readonly GraphHead[],
  { precision = 'fp32', layout = padded }: OpenGraphForm = {},
): Uint8Array {
  const graph = openBuilder(architecture.type, open, () => undefined, precision);
  emitInto(graph, architecture, config, parameters, [], heads, { layout });
  return graph.encode();
}

/**
 * The inputs of an open graph for one set of weights, by name; tensors may share the buffers of `parameters`.
 * @param parameters gives the open ones whole; of the others only the shape is looked at
 */
export function openWeights<C>(
  architecture: Architecture<C>,
  config: C,
  parameters: ReadParameter,
  open: ReadonlySet<string>,
): Record<string, FloatTensor> {
  const inputs: Record<string, FloatTensor> = {};
  // The emitter arranges weights as it needs them (transposed, with a leading axis); emitting once more, without encoding, asks it how.
  const graph = openBuilder(architecture.type, open, (name, tensor) => {
    inputs[name] = tensor();
  });
  emitInto(graph, architecture, config, parameters, [], []);
  return inputs;
}

/** A builder that makes inputs of the constants `open`, and tells of each. */
export function openBuilder(name: string, open: ReadonlySet<string>, onOpen: OnOpen, precision: FloatPrecision = 'fp32'): GraphBuilder {
  const graph = createGraph(name, precision);
  return {
    ...graph,
    constant(value, dtype, shape, data) {
      if (!open.has(value)) return graph.constant(value, dtype, shape, data);
      onOpen(value, () => {
        const values = data();
        if (values instanceof Float32Array) return floatTensor(shape, values);
        throw new TwinrouteError('internal', `open graph: expected f32 for ${value}, got ${dtype}`);
      });
      return graph.input(value, dtype, shape);
    },
  };
}

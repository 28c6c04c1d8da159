// Sessions on onnxruntime-node's CPU provider: what origins, builds and the command line run graphs with.

import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { TwinrouteError, messageOf } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Session } from '../model/session.ts';

/** How a session runs. */
export interface NodeSessionOptions {
  /** Threads inside an operator; onnxruntime's own choice, one a core, when left out. */
  readonly threads?: number;
}

/**
 * A session over ONNX bytes.
 * @throws {TwinrouteError} `format` when onnxruntime does not load the model. `run` throws `invalid_request` when the feeds do not fit the graph.
 */
export async function createNodeSession(model: Uint8Array, options: NodeSessionOptions = {}): Promise<Session> {
  const threads = options.threads === undefined ? {} : { intraOpNumThreads: options.threads };
  const session = await InferenceSession.create(model, { executionProviders: ['cpu'], graphOptimizationLevel: 'all', ...threads }).catch((cause: unknown) => {
    throw new TwinrouteError('format', `createNodeSession: expected a model that onnxruntime loads, got ${messageOf(cause)}`, { cause });
  });
  return {
    async run(feeds) {
      const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(name, tensor)]));
      const outputs = await session.run(inputs).catch((cause: unknown) => {
        throw new TwinrouteError('shape', `session: expected feeds that fit the graph, got ${messageOf(cause)}`, { cause });
      });
      return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromOrt(name, tensor)]));
    },
    release: () => session.release(),
  };
}

/** The tensor over the same buffer. */
function toOrt(name: string, tensor: Tensor): OrtTensor {
  if (tensor.dtype === 'float32') return new OrtTensor('float32', tensor.data, tensor.shape);
  if (tensor.dtype === 'int64') return new OrtTensor('int64', tensor.data, tensor.shape);
  if (tensor.dtype === 'int32') return new OrtTensor('int32', tensor.data, tensor.shape);
  throw new TwinrouteError('shape', `session: expected float32, int64 or int32 for ${name}, got ${tensor.dtype}`);
}

/** The tensor over the buffer that onnxruntime filled, which is not used again. */
function fromOrt(name: string, tensor: OrtTensor): Tensor {
  const { data, dims: shape } = tensor;
  if (data instanceof Float32Array) return { dtype: 'float32', shape, data };
  if (data instanceof BigInt64Array) return { dtype: 'int64', shape, data };
  if (data instanceof Int32Array) return { dtype: 'int32', shape, data };
  throw new TwinrouteError('shape', `session: expected float32, int64 or int32 for ${name}, got ${tensor.type}`);
}

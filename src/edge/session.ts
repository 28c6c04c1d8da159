// Router sessions on onnxruntime-web inside workerd. workerd compiles no wasm at run time, so onnxruntime is handed the module that was
// compiled when the Worker was deployed. One session per isolate and config, made once: the wasm heap never shrinks
// (microsoft/onnxruntime#21673), so a session per request would end the isolate.

import { InferenceSession, Tensor as OrtTensor, env } from 'onnxruntime-web/wasm';
import { TwinrouteError, messageOf } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { CreateSession, Session } from '../model/session.ts';

/**
 * A session factory over the compiled `ort-wasm-simd-threaded.wasm`.
 * @param wasm that module
 * @returns a factory whose sessions run one graph at a time
 */
export function createSessionFactory(wasm: WebAssembly.Module): CreateSession {
  env.wasm.numThreads = 1;
  // Never read: it keeps onnxruntime from fetching a file that it cannot reach here.
  env.wasm.wasmBinary = new Uint8Array(1).buffer;
  const enqueue = createQueue();
  return async (model) => {
    const session = await enqueue(() =>
      withCompiledModule(wasm, () => InferenceSession.create(model, { executionProviders: ['wasm'] })),
    ).catch((cause: unknown) => {
      throw new TwinrouteError('internal', `createSession: expected a model that onnxruntime loads, got ${messageOf(cause)}`, { cause });
    });
    return wrap(session, enqueue);
  };
}

/** Runs tasks one after another: onnxruntime's wasm build is not re-entrant. */
function createQueue(): <T>(task: () => Promise<T>) => Promise<T> {
  let tail: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = tail.then(task);
    tail = result.catch(() => undefined);
    return result;
  };
}

/** Calls `task` while `WebAssembly.instantiate` answers with an instance of `wasm`, whatever bytes it is given. */
async function withCompiledModule<T>(wasm: WebAssembly.Module, task: () => Promise<T>): Promise<T> {
  const original = WebAssembly.instantiate;
  const patched = (_bytes: unknown, imports?: WebAssembly.Imports) =>
    Promise.resolve({ module: wasm, instance: new WebAssembly.Instance(wasm, imports) });
  Object.assign(WebAssembly, { instantiate: patched });
  try {
    return await task();
  } finally {
    Object.assign(WebAssembly, { instantiate: original });
  }
}

function wrap(session: InferenceSession, enqueue: <T>(task: () => Promise<T>) => Promise<T>): Session {
  return {
    async run(feeds) {
      const inputs: Record<string, OrtTensor> = {};
      for (const [name, tensor] of Object.entries(feeds)) inputs[name] = toOrt(tensor);
      const outputs = await enqueue(() => session.run(inputs));
      const results: Record<string, Tensor> = {};
      for (const [name, tensor] of Object.entries(outputs)) results[name] = fromOrt(name, tensor);
      return results;
    },
    release: () => enqueue(() => session.release()),
  };
}

function toOrt(tensor: Tensor): OrtTensor {
  if (tensor.dtype === 'float32') return new OrtTensor('float32', tensor.data, tensor.shape);
  if (tensor.dtype === 'int32') return new OrtTensor('int32', tensor.data, tensor.shape);
  if (tensor.dtype === 'int64') return new OrtTensor('int64', tensor.data, tensor.shape);
  throw new TwinrouteError('shape', `session: expected inputs of float32, int32 or int64, got ${tensor.dtype}`);
}

/** The tensor over its own buffer: onnxruntime copies outputs out of the wasm heap. */
function fromOrt(name: string, tensor: OrtTensor): Tensor {
  const { data, dims: shape } = tensor;
  if (data instanceof Float32Array) return { dtype: 'float32', shape, data };
  if (data instanceof Int32Array) return { dtype: 'int32', shape, data };
  if (data instanceof BigInt64Array) return { dtype: 'int64', shape, data };
  throw new TwinrouteError('shape', `session: expected outputs of float32, int32 or int64, got ${tensor.type} for ${name}`);
}

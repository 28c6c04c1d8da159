// Sessions of onnxruntime-node: what origins, builds and the command line run graphs with.

import './no-telemetry.ts';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { TwinrouteError, messageOf } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Session } from '../model/session.ts';
import { deviceAnswers } from './devices/device-answers.ts';
import type { DeviceName } from './devices/device.ts';

/** How a session runs. */
export interface NodeSessionOptions {
  /** Threads inside an operator; onnxruntime's own choice, one a core, when left out. */
  readonly threads?: number;
  /** The CPU when left out. What a GPU's provider lacks is run on the CPU. */
  readonly device?: DeviceName;
}

/** A sum and a normalisation in one operator take four times as long as in two (521 against 108 µs for 275 tokens of width 384, 1.30, one core). */
const SLOW_ON_CPU = 'SkipLayerNormFusion';

/**
 * A session over ONNX bytes. onnxruntime-node 1.30 loads and runs on the calling thread: the event loop stands still for that long,
 * and runs follow one another.
 * @throws {TwinrouteError} `format` when onnxruntime does not load the model, `unavailable` when a GPU does not; the session's `run` throws `shape` when the
 * feeds do not fit the graph; on a GPU `internal`, or `unavailable` when the device is lost
 */
export async function createNodeSession(model: Uint8Array, options: NodeSessionOptions = {}): Promise<Session> {
  const { device = 'cpu' } = options;
  const session = await InferenceSession.create(model, {
    executionProviders: [device],
    graphOptimizationLevel: 'all',
    // A plan of memory is kept for every shape that inputs have had, and hardly two runs have the same: it grows, and saves no time.
    enableMemPattern: false,
    // What is left to the CPU on purpose, shapes above all, is warned of for each session.
    ...(device === 'cpu' ? { extra: { optimization: { disable_specified_optimizers: SLOW_ON_CPU } } } : { logSeverityLevel: 3 }),
    ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
  }).catch((cause: unknown) => {
    const [code, where] = device === 'cpu' ? (['format', 'createNodeSession'] as const) : (['unavailable', `device ${device}`] as const);
    throw new TwinrouteError(code, `${where}: expected a model that onnxruntime loads, got ${messageOf(cause)}`, { cause });
  });
  return {
    async run(feeds) {
      try {
        const outputs = await session.run(mapValues(feeds, toOrt));
        return mapValues(outputs, fromOrt);
      } catch (cause) {
        throw await runFailure(device, cause);
      }
    },
    release: () => session.release(),
  };
}

/** Whose fault a failed run is. The messages of drivers are many, so a GPU is asked for something else: one that is lost answers nothing any more. */
async function runFailure(device: DeviceName, cause: unknown): Promise<TwinrouteError> {
  const got = messageOf(cause);
  if (device === 'cpu') return new TwinrouteError('shape', `session: expected feeds that fit the graph, got ${got}`, { cause });
  if (await deviceAnswers(device)) return new TwinrouteError('internal', `session on ${device}: expected outputs, got ${got}`, { cause });
  return new TwinrouteError('unavailable', `device ${device}: expected it to go on, got its loss: ${got}`, { cause });
}

function mapValues<V, W>(record: Readonly<Record<string, V>>, map: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

/** The tensor over the same buffer. */
function toOrt(tensor: Tensor): OrtTensor {
  if (tensor.dtype === 'float32') return new OrtTensor('float32', tensor.data, tensor.shape);
  if (tensor.dtype === 'int64') return new OrtTensor('int64', tensor.data, tensor.shape);
  if (tensor.dtype === 'int32') return new OrtTensor('int32', tensor.data, tensor.shape);
  throw new TwinrouteError('shape', `session: expected inputs of float32, int64 or int32, got ${tensor.dtype}`);
}

/** The tensor over the buffer that onnxruntime made for it. */
function fromOrt({ data, dims: shape, type }: OrtTensor): Tensor {
  if (data instanceof Float32Array) return { dtype: 'float32', shape, data };
  if (data instanceof BigInt64Array) return { dtype: 'int64', shape, data };
  if (data instanceof Int32Array) return { dtype: 'int32', shape, data };
  throw new TwinrouteError('shape', `session: expected outputs of float32, int64 or int32, got ${type}`);
}

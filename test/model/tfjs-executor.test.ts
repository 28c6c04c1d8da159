import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import type { BertConfig } from '../../src/contract/hf-config.ts';
import { createRandom } from '../../src/core/random.ts';
import type { FloatTensor } from '../../src/core/tensor.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { bert } from '../../src/model/bert.ts';
import { emitPlainGraph } from '../../src/model/onnx-emitter.ts';
import { encodeBatch } from '../../src/model/tfjs-executor.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { feedsOf, lookUp, randomRow, randomTwin, type RandomRow } from './random-twin.ts';
import { batchOf, WASM_FOLDER } from './tfjs-batch.ts';

setWasmPaths(WASM_FOLDER);

describe.each(['cpu', 'wasm'])('on the %s backend', (backend) => {
  beforeAll(async () => {
    if (!(await tf.setBackend(backend))) throw new Error(`no ${backend} backend`);
  });

  test('the encoder gives what the ONNX graph gives', async () => {
    for (let seed = 0; seed < 5; seed++) {
      const random = createRandom(seed);
      const { config, shared } = randomTwin(random);
      const rows = Array.from({ length: 3 }, () => randomRow(random, config));
      const identity = {
        weight: { dtype: 'float32' as const, shape: [config.hidden_size, config.hidden_size], data: identityOf(config.hidden_size) },
      };
      const head = {
        ...identity,
        bias: { dtype: 'float32' as const, shape: [config.hidden_size], data: new Float32Array(config.hidden_size) },
      };
      const session = await createNodeSession(emitPlainGraph(bert, config, lookUp(shared), [head]), { threads: 1 });
      const graph = await session.run(feedsOf(rows));
      await session.release();
      tf.tidy(() => {
        const { pooled, features } = encodeBatch(tf, bert, config, asTensors(shared), batchOf(tf, rows));
        expect(maxDifference(pooled.dataSync(), floats(graph['logits'].data))).toBeLessThan(1e-5);
        expect(maxDifference(features.dataSync(), floats(graph['features'].data))).toBeLessThan(1e-5);
      });
    }
  });

  test('gradients of every parameter agree with finite differences', () => {
    const random = createRandom(11);
    const { config, shared } = randomTwin(random);
    const rows = [randomRow(random, config), randomRow(random, config)];
    const names = [...shared.keys()];
    const read = lookUp(shared);
    const direction = Float32Array.from({ length: 2 * rows.length * config.hidden_size }, () => random.normal());
    const gradients = tf.tidy(() => {
      const loss = (...tensors: tf.Tensor[]) => lossOf(config, (name) => tensors[names.indexOf(name)], rows, direction);
      return tf
        .grads(loss)(names.map((name) => toTf(read(name))))
        .map((gradient) => gradient.dataSync());
    });
    const lossAt = (name: string, data: Float32Array) =>
      tf.tidy(
        () =>
          lossOf(
            config,
            (other) => (other === name ? tf.tensor(data, [...read(name).shape]) : toTf(read(other))),
            rows,
            direction,
          ).dataSync()[0],
      );
    const errors: Record<string, number> = {};
    for (const [i, name] of names.entries()) {
      // Along the gradient itself the slope is its norm: one difference checks every entry at once.
      const norm = Math.hypot(...gradients[i]);
      if (norm < 1e-3) continue; // unused rows, or keys' biases, which softmax cancels
      const step = 2e-3;
      const move = (sign: number) => read(name).data.map((value, k) => value + (sign * step * gradients[i][k]) / norm);
      const slope = (lossAt(name, move(1)) - lossAt(name, move(-1))) / (2 * step);
      errors[name] = Math.abs(slope / norm - 1);
    }
    expect(Object.entries(errors).filter(([, error]) => !(error < 0.02))).toEqual([]);
    expect(Object.keys(errors).length).toBeGreaterThan(0.8 * names.length);
  });
});

/** A scalar that depends on both outputs: their product with fixed random numbers. */
function lossOf(
  config: BertConfig,
  parameter: (name: string) => tf.Tensor,
  rows: readonly RandomRow[],
  direction: Float32Array,
): tf.Scalar {
  const { pooled, features } = encodeBatch(tf, bert, config, parameter, batchOf(tf, rows));
  return tf.sum(tf.mul(tf.concat([pooled, features], 1).flatten(), tf.tensor1d(direction)));
}

function toTf({ data, shape }: FloatTensor): tf.Tensor {
  return tf.tensor(data, [...shape]);
}

function asTensors(parameters: ReadonlyMap<string, FloatTensor>): (name: string) => tf.Tensor {
  const read = lookUp(parameters);
  return (name) => toTf(read(name));
}

function identityOf(d: number): Float32Array {
  return Float32Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0));
}

function floats(data: unknown): Float32Array {
  if (data instanceof Float32Array) return data;
  throw new Error('expected float32');
}

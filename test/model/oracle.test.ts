import { existsSync } from 'node:fs';
import { join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import type { FloatTensor } from '../../src/core/tensor.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { bert } from '../../src/model/bert.ts';
import { emitPlainGraph, emitTwinGraph } from '../../src/model/onnx-emitter.ts';
import { encodeBatch } from '../../src/model/tfjs-executor.ts';
import { maxDifference } from '../helpers/max-difference.ts';
import { feedsOf, lookUp, mergeDense, rowOf, type RandomRow } from './random-twin.ts';
import { readAdapter, readBase, readOracle, sharedIsPresent, type OracleRow } from './shared-models.ts';
import { batchOf, WASM_FOLDER } from './tfjs-batch.ts';

const TOLERANCE = 2e-4;
const TFJS_NODE = '@tensorflow/tfjs-node';
const hasTfjsNode = ['package.json', 'lib/napi-v8/tfjs_binding.node'].every((file) =>
  existsSync(join(import.meta.dirname, '../../node_modules', TFJS_NODE, file)),
);

setWasmPaths(WASM_FOLDER);

describe.skipIf(!sharedIsPresent)("PyTorch's logits of the eight experts (needs ../shared)", () => {
  let base: Awaited<ReturnType<typeof readBase>>;
  let experts: readonly (Awaited<ReturnType<typeof readAdapter>> & { readonly name: string; readonly rows: readonly OracleRow[] })[];

  beforeAll(async () => {
    base = await readBase();
    const oracle = await readOracle();
    experts = await Promise.all(Object.entries(oracle).map(async ([name, rows]) => ({ name, rows, ...(await readAdapter(name)) })));
  });

  /** A model whose exclusive modules are the adapters themselves: a one-hot mix is θ_t. */
  const twin = () => ({
    shared: base.parameters,
    experts: experts.map(({ name, modules }) => ({ name, module: (parameter: string) => modules.get(parameter) })),
  });

  test('from the factored graph, rows of all experts in each batch', { timeout: 60_000 }, async () => {
    const heads = experts.map((expert) => expert.head);
    const session = await createNodeSession(emitTwinGraph(bert, base.config, lookUp(base.parameters), twin().experts, heads));
    const offsets = experts.map((_, e) => experts.slice(0, e).reduce((sum, expert) => sum + expert.head.bias.data.length, 0));
    // By length, so that batches hold few paddings and many experts.
    const all = experts
      .flatMap(({ rows }, e) => rows.map((row) => ({ row, e })))
      .sort((a, b) => a.row.input_ids.length - b.row.input_ids.length);
    for (let start = 0; start < all.length; start += 32) {
      const batch = all.slice(start, start + 32);
      const mixes = batch.map(({ e }) => experts.map((_, i) => (i === e ? 1 : 0)));
      const { logits } = await session.run(
        feedsOf(
          batch.map(({ row }) => inputOf(row)),
          mixes,
        ),
      );
      const own = batch.flatMap(({ row, e }, i) => [...rowOf(logits, i).subarray(offsets[e], offsets[e] + row.logits.length)]);
      expect(
        maxDifference(
          own,
          batch.flatMap(({ row }) => row.logits),
        ),
      ).toBeLessThan(TOLERANCE);
    }
    await session.release();
  });

  test('from a plain graph of each folded expert', { timeout: 120_000 }, async () => {
    const errors: Record<string, number> = {};
    for (const [e, { name, head, rows }] of experts.entries()) {
      const folded = mergeDense(
        twin(),
        experts.map((_, i) => (i === e ? 1 : 0)),
      );
      const session = await createNodeSession(emitPlainGraph(bert, base.config, lookUp(folded), [head]));
      const { logits } = await session.run(feedsOf(rows.map(inputOf)));
      await session.release();
      errors[name] = maxDifference(
        rows.flatMap((_, i) => [...rowOf(logits, i)]),
        rows.flatMap((row) => row.logits),
      );
    }
    expect(above(errors)).toEqual([]);
  });

  test('from tfjs on wasm, the first 8 rows an expert', { timeout: 120_000 }, async () => {
    await tf.setBackend('wasm');
    expect(above(tfjsErrors(8))).toEqual([]);
  });

  test.skipIf(!hasTfjsNode)('from tfjs on TensorFlow, all rows (needs tfjs-node)', { timeout: 120_000 }, async () => {
    // tfjs-node 4.22 calls functions that Node 23 dropped.
    Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined, isArray: Array.isArray });
    await import(TFJS_NODE);
    await tf.setBackend('tensorflow');
    expect(above(tfjsErrors(32))).toEqual([]);
  });

  /** Each expert's largest error in the current backend, with θ_t = base + U · V made there. */
  function tfjsErrors(count: number): Readonly<Record<string, number>> {
    const errors: Record<string, number> = {};
    const toTf = ({ data, shape }: FloatTensor) => tf.tensor(data, [...shape]);
    const tensors = new Map([...base.parameters].map(([name, tensor]) => [name, toTf(tensor)]));
    for (const { name, modules, head, rows } of experts) {
      tf.tidy(() => {
        const parameter = (key: string): tf.Tensor => {
          const own = tensors.get(key);
          if (own === undefined) throw new Error(`no parameter ${key}`);
          const module = modules.get(key);
          return module?.kind === 'factored' ? tf.add(own, tf.matMul(toTf(module.u), toTf(module.v))) : own;
        };
        const chosen = rows.slice(0, count);
        const { pooled } = encodeBatch(tf, bert, base.config, parameter, batchOf(tf, chosen.map(inputOf)));
        const logits = tf.add(tf.matMul(pooled, tf.transpose(toTf(head.weight))), toTf(head.bias));
        errors[name] = maxDifference(
          logits.dataSync(),
          chosen.flatMap((row) => row.logits),
        );
      });
    }
    tf.dispose([...tensors.values()]);
    return errors;
  }
});

function inputOf(row: OracleRow): RandomRow {
  return { ids: row.input_ids, types: row.token_type_ids };
}

/** Experts whose error is too large, or no number. */
function above(errors: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  return Object.entries(errors).filter(([, error]) => !(error < TOLERANCE));
}

// Runs the engines' contract on one engine and prints what came out as one line of JSON: `node engine-probe.ts ENGINE`. A process each,
// because tfjs has one active backend in a process and Dawn reads its environment when the process starts.

import { isTwinrouteError } from '../../src/core/errors.ts';
import type { Matrix } from '../../src/core/linalg/matrix.ts';
import { createRandom } from '../../src/core/random.ts';
import type { Engine } from '../../src/build/engine/engine.ts';
import { selectEngine } from '../../src/build/engine/select.ts';
import { headGradients } from '../../src/build/router/head-gradients.ts';
import { fitNetwork } from '../../src/build/router/fit.ts';
import { noProgress } from '../../src/core/progress.ts';

/** Products that are probed: extents `[m, k, n]`, odd and one among them. */
export const PRODUCTS: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [3, 5, 7],
  [17, 1, 33],
  [64, 129, 31],
];

/** What the probe prints. */
export type Probe =
  | { readonly absent: string }
  | {
      readonly absent?: undefined;
      readonly device: string;
      readonly log: readonly string[];
      /** By extents, then by flags: none, A, B, both. */
      readonly products: readonly (readonly Matrix[])[];
      readonly innerError: string;
      readonly gradients: { readonly bags: readonly number[]; readonly weight: readonly number[]; readonly bias: readonly number[] };
      readonly softmax: readonly number[];
      readonly gather: readonly number[];
      /** Bit patterns of a small fit, twice. */
      readonly fits: readonly string[];
    };

/** Operands of a product, stored transposed where a flag is set. */
export function operands([m, k, n]: readonly [number, number, number], transposeA: boolean, transposeB: boolean): [Matrix, Matrix] {
  const random = createRandom(m * 100 + n);
  const matrix = (rows: number, cols: number, flip: boolean): Matrix => {
    const data = Float32Array.from({ length: rows * cols }, () => random.normal());
    return flip ? { rows: cols, cols: rows, data } : { rows, cols, data };
  };
  return [matrix(m, k, transposeA), matrix(k, n, transposeB)];
}

/** A small head: 5 rows, 3 wide, 4 classes. */
export function smallHead() {
  const random = createRandom(11);
  const normals = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  return {
    bags: normals(15),
    labels: Int32Array.of(0, 3, 1, 1, 2),
    network: { width: 3, classes: 4, table: new Float32Array(0), weight: normals(12), bias: normals(4) },
  };
}

async function probe({ tf, device, matmul }: Engine, log: readonly string[]): Promise<Probe> {
  const products: Matrix[][] = [];
  for (const extents of PRODUCTS) {
    const results: Matrix[] = [];
    for (const [a, b] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ])
      results.push(await matmul(...operands(extents, a, b), a, b));
    products.push(results);
  }
  const wrong: Matrix = { rows: 2, cols: 3, data: new Float32Array(6) };
  const innerError = await matmul(wrong, wrong).then(
    () => '',
    (error: unknown) => (isTwinrouteError(error) ? error.code : 'another error'),
  );
  const head = smallHead();
  const gradients = await headGradients(tf, head.network, head.bags, head.labels, 0.1);
  const bags = Array.from({ length: 40 }, (_, i) => ({ ids: Int32Array.of(i % 4, 4 + (i % 7)), weights: Float32Array.of(1, 0.5) }));
  const fits: string[] = [];
  for (let run = 0; run < 2; run++) {
    const { table, weight } = await fitNetwork(
      tf,
      { bags, labels: bags.map((_, i) => i % 4) },
      { buckets: 16, classes: 4, seed: 3, progress: noProgress },
    );
    fits.push(Buffer.concat([new Uint8Array(table.buffer), new Uint8Array(weight.buffer)]).toString('hex'));
  }
  return {
    device,
    log,
    products,
    innerError,
    gradients: { bags: [...gradients.bags], weight: [...gradients.weight], bias: [...gradients.bias] },
    softmax: [...(await tf.softmax(tf.tensor2d([1, 2, 3, 1000, 0, -1000], [2, 3])).data())],
    gather: [...(await tf.gather(tf.tensor2d([0, 1, 2, 3, 4, 5], [3, 2]), tf.tensor1d([2, 0, 2], 'int32')).data())],
    fits,
  };
}

if (import.meta.main) {
  const log: string[] = [];
  try {
    const engine = await selectEngine(process.argv[2], { log: (line) => void log.push(line) });
    const result = await probe(engine, log);
    await engine.dispose();
    console.log(JSON.stringify(result, (_, value: unknown) => (value instanceof Float32Array ? [...value] : value)));
  } catch (error) {
    if (!isTwinrouteError(error) || error.code !== 'unavailable') throw error;
    console.log(JSON.stringify({ absent: error.message } satisfies Probe));
  }
}

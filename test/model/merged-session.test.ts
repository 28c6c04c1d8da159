// Grouping and caching, with a graph that adds its one merged weight to every token id.

import { expect, test } from 'vitest';
import { floatTensor, type Tensor } from '../../src/core/tensor.ts';
import { createMergedSessions } from '../../src/model/merged-session.ts';
import type { Session } from '../../src/model/session.ts';

/** `logits [B, 1]` = first token + weight. */
function fakeGraph(runs: number[]): Session {
  return {
    run({ input_ids: ids, weight }) {
      const rows = ids.shape[0];
      runs.push(rows);
      const added = weight.dtype === 'float32' ? weight.data[0] : Number.NaN;
      return Promise.resolve({
        logits: floatTensor(
          [rows, 1],
          Float32Array.from({ length: rows }, (_, i) => Number(ids.data[i * ids.shape[1]]) + added),
        ),
      });
    },
    release: () => Promise.resolve(),
  };
}

function feeds(mixes: readonly (readonly number[])[]): Record<string, Tensor> {
  const ids = BigInt64Array.from(mixes.flatMap((_, i) => [BigInt(100 * i), 7n]));
  return {
    input_ids: { dtype: 'int64', shape: [mixes.length, 2], data: ids },
    mix: floatTensor([mixes.length, 2], Float32Array.from(mixes.flat())),
  };
}

/** A session whose weight is `10·mix[0] + mix[1]`, 4 bytes a mix; `merged` tells which were merged. */
function sessionOver(cacheBytes: number) {
  const runs: number[] = [];
  const merged: string[] = [];
  const [session, other] = createMergedSessions({
    sessions: [fakeGraph(runs), fakeGraph(runs)],
    merge(mix) {
      merged.push(mix.join(' '));
      return Promise.resolve({ weight: floatTensor([1], Float32Array.of(10 * mix[0] + mix[1])) });
    },
    cacheBytes,
  });
  return { session, other, runs, merged };
}

const answer = async (session: Session, mixes: readonly (readonly number[])[]): Promise<unknown> =>
  (await session.run(feeds(mixes)))['logits'];

test('rows of one mix run together, and answers come in the order of the rows', async () => {
  const { session, runs, merged } = sessionOver(1000);
  const mixes = [
    [1, 0],
    [0, 1],
    [1, 0],
    [0, 0],
    [0, 1],
  ];
  expect(await answer(session, mixes)).toEqual(floatTensor([5, 1], Float32Array.of(10, 101, 210, 300, 401)));
  expect(runs).toEqual([2, 2, 1]);
  expect(merged).toEqual(['1 0', '0 1', '0 0']);
});

test('a mix is merged once while it is kept; the least recently used one goes first, and the newest stays however small the budget', async () => {
  const { session, merged } = sessionOver(8);
  for (const mix of [
    [1, 0],
    [0, 1],
    [1, 0],
    [0.5, 0.5],
    [1, 0],
    [0, 1],
  ])
    await answer(session, [mix]);
  expect(merged).toEqual(['1 0', '0 1', '0.5 0.5', '0 1']);
  const tight = sessionOver(0);
  for (const mix of [
    [1, 0],
    [1, 0],
    [0, 1],
    [1, 0],
  ])
    await answer(tight.session, [mix]);
  expect(tight.merged).toEqual(['1 0', '0 1', '1 0']);
});

test('instances share what was merged', async () => {
  const { session, other, runs, merged } = sessionOver(1000);
  expect(await answer(other, [[1, 0]])).toEqual(await answer(session, [[1, 0]]));
  expect(merged).toEqual(['1 0']);
  expect(runs).toEqual([1, 1]);
});

test('mixes that differ by less than a step share their weights', async () => {
  const { session, merged } = sessionOver(1000);
  await answer(session, [
    [0.5, 0.25],
    [0.5001, 0.2499],
  ]);
  expect(merged).toEqual(['0.5 0.25']);
});

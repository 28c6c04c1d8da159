// `tokenizer_source` of `twinroute merge`: models whose tokens differ, laid under one vocabulary by token.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { encodeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { openWeights } from '../../src/formats/weights.ts';
import { withFolder } from '../../src/host/with-folder.ts';
import { runCli } from '../helpers/run-cli.ts';

const WIDTH = 3;
const EMBEDDINGS = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';

let dir: string;
const at = (name: string): string => join(dir, name);

interface TinyVocabulary {
  readonly type: 'BPE' | 'WordPiece';
  readonly tokens: readonly string[];
  readonly added: readonly string[];
  /** Rows of embeddings beyond the tokens. */
  readonly padding: number;
}

/** A model whose row of token i is (seed, i, noise), and a tokenizer that lists its tokens. */
async function makeModel(name: string, seed: number, { type, tokens, added, padding }: TinyVocabulary): Promise<void> {
  const random = createRandom(seed);
  const rows = tokens.length + added.length + padding;
  const table = (shift: number): Tensor => ({
    dtype: 'float32',
    shape: [rows, WIDTH],
    data: Float32Array.from({ length: rows * WIDTH }, (_, i) => [seed + shift, Math.floor(i / WIDTH), random.normal()][i % WIDTH]),
  });
  const norm: Tensor = { dtype: 'float32', shape: [WIDTH], data: Float32Array.of(seed, seed, seed) };
  await mkdir(at(name));
  await writeFile(
    join(at(name), 'model.safetensors'),
    encodeSafetensors({ [EMBEDDINGS]: table(0), [HEAD]: table(100), 'model.norm.weight': norm }),
  );
  await writeFile(
    join(at(name), 'config.json'),
    JSON.stringify({ model_type: 'any', vocab_size: rows, eos_token_id: seed, hidden_size: WIDTH }),
  );
  await writeFile(join(at(name), 'vocab.json'), '{}');
  await writeFile(join(at(name), 'special_tokens_map.json'), JSON.stringify({ of: name }));
  await writeFile(
    join(at(name), 'tokenizer.json'),
    JSON.stringify({
      version: '1.0',
      added_tokens: added.map((content, i) => ({ id: tokens.length + i, content, special: true })),
      model: { type, vocab: Object.fromEntries(tokens.map((token, i) => [token, i])), merges: [] },
    }),
  );
}

let counter = 0;

async function merge(source: string | undefined, method = 'task_arithmetic', models = ['a', 'b'], base = 'base') {
  const file = at(`${++counter}.yaml`);
  const out = at(`out-${counter}`);
  const config = {
    merge_method: method,
    ...(method !== 'linear' && { base_model: at(base) }),
    models: models.map((name) => ({ model: at(name), parameters: { weight: 0.5 } })),
    ...(source !== undefined && { tokenizer_source: source }),
  };
  await writeFile(file, JSON.stringify(config));
  const { code, err } = await runCli('merge', file, out);
  return { out, code, err };
}

/** Rows of a table by token of the folder's own tokenizer. */
async function rowsOf(folder: string, name = EMBEDDINGS): Promise<ReadonlyMap<string, readonly number[]>> {
  const { shape, data } = await withFolder(folder, async (source) => (await openWeights(source, 'model')).readFloat(name));
  const json: {
    readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
    readonly model: { readonly vocab: Record<string, number> };
  } = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8'));
  const ids = new Map([
    ...Object.entries(json.model.vocab),
    ...json.added_tokens.map(({ id, content }): [string, number] => [content, id]),
  ]);
  expect(Math.max(...ids.values())).toBeLessThan(shape[0]);
  return new Map([...ids].map(([token, id]) => [token, Array.from(data.subarray(id * WIDTH, (id + 1) * WIDTH))]));
}

/** base + Σ ½·(model − base) of a token's row, a row that a model lacks being the default. */
function taskArithmetic(base: readonly number[], ...others: readonly (readonly number[] | undefined)[]): number[] {
  return base.map((value, i) => others.reduce((sum, row) => sum + 0.5 * ((row?.[i] ?? value) - value), value));
}

const close = (row: readonly number[] | undefined) => (row ?? []).map((value) => expect.closeTo(value, 5));

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'twinroute-tokens-'));
  await makeModel('base', 1, { type: 'BPE', tokens: ['x', 'y', 'z'], added: ['<s>'], padding: 2 });
  await makeModel('a', 2, { type: 'BPE', tokens: ['z', 'y', 'x'], added: ['<s>', '<im>'], padding: 0 });
  await makeModel('b', 3, { type: 'BPE', tokens: ['x', 'y', 'z'], added: ['<im>', '<s>', '<pad>'], padding: 0 });
  await makeModel('rules', 4, { type: 'BPE', tokens: ['x', 'y', 'z', 'xy'], added: ['<s>'], padding: 0 });
  await makeModel('words', 5, { type: 'WordPiece', tokens: ['x', 'y'], added: ['[UNK]'], padding: 0 });
  await makeModel('more-words', 6, { type: 'WordPiece', tokens: ['##z', 'x'], added: ['[UNK]'], padding: 0 });
});

afterAll(() => rm(dir, { recursive: true, force: true }));

describe('tokenizer_source', () => {
  test('base: rows of the same token are merged, whatever their places; others stay the base’s', async () => {
    const { out, code } = await merge('base');
    expect(code).toBe(0);
    for (const name of [EMBEDDINGS, HEAD]) {
      const [merged, base, a, b] = [
        await rowsOf(out, name),
        ...(await Promise.all(['base', 'a', 'b'].map((model) => rowsOf(at(model), name)))),
      ];
      expect([...merged.keys()]).toEqual([...base.keys()]);
      for (const [token, row] of base) expect(merged.get(token)).toEqual(close(taskArithmetic(row, a.get(token), b.get(token))));
    }
    expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({ vocab_size: 6, eos_token_id: 1 });
  });

  test.each(['model:', ''])('%s and a model: its tokens, rows, files and special tokens', async (prefix) => {
    const { out, code } = await merge(`${prefix}${at('b')}`);
    expect(code).toBe(0);
    const [merged, base, a, b] = [await rowsOf(out), ...(await Promise.all(['base', 'a', 'b'].map((model) => rowsOf(at(model)))))];
    expect([...merged.keys()]).toEqual([...b.keys()]);
    for (const [token, own] of b) {
      // The base lacks <im> and <pad>: its row is the mean of those that have them.
      const known = [a.get(token), own].filter((row) => row !== undefined);
      const start = base.get(token) ?? own.map((_, i) => known.reduce((sum, row) => sum + row[i], 0) / known.length);
      expect(merged.get(token)).toEqual(close(taskArithmetic(start, a.get(token), own)));
    }
    expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({ vocab_size: 6, eos_token_id: 3 });
    expect(await readFile(join(out, 'special_tokens_map.json'), 'utf8')).toBe('{"of":"b"}');
  });

  test('union: the base’s tokens in their places, then what the others add; the rows that nobody has are padding', async () => {
    const { out, code } = await merge('union');
    expect(code).toBe(0);
    const merged = await rowsOf(out);
    expect([...merged.keys()]).toEqual(['x', 'y', 'z', '<s>', '<im>', '<pad>']);
    const [base, a, b] = await Promise.all(['base', 'a', 'b'].map((model) => rowsOf(at(model))));
    expect(merged.get('x')).toEqual(close(taskArithmetic(base.get('x') ?? [], a.get('x'), b.get('x'))));
    expect(merged.get('<pad>')).toEqual(close(b.get('<pad>')));
    expect(await readdir(out)).not.toContain('vocab.json');
    expect(JSON.parse(await readFile(join(out, 'tokenizer.json'), 'utf8')).added_tokens).toEqual([
      { id: 3, content: '<s>', special: true },
      { id: 4, content: '<im>', special: true },
      { id: 5, content: '<pad>', special: true },
    ]);
  });

  test('union of word lists takes words too, and without a base the first model is the frame', async () => {
    const { out, code } = await merge('union', 'linear', ['words', 'more-words']);
    expect(code).toBe(0);
    const merged = await rowsOf(out);
    expect([...merged.keys()]).toEqual(['x', 'y', '##z', '[UNK]']);
    const [words, more] = await Promise.all(['words', 'more-words'].map((model) => rowsOf(at(model))));
    expect(merged.get('##z')).toEqual(close(more.get('##z')));
    expect(merged.get('x')).toEqual(close((words.get('x') ?? []).map((value, i) => (value + (more.get('x')?.[i] ?? 0)) / 2)));
  });

  test('what has no union, no model and no rows is refused', async () => {
    expect((await merge('union', 'linear', ['base', 'rules'])).err).toMatch(
      /differ in added tokens alone.*1 more of .*rules.*"xy"; name one/,
    );
    expect((await merge('elsewhere')).err).toMatch(
      /tokenizer_source: expected base, union, or a model of the merge \(.*base.*\), got elsewhere/,
    );
    expect((await merge(undefined)).err).toMatch(/should be \[6, 3\], is \[5, 3\]/);
    await makeModel('short', 7, { type: 'BPE', tokens: ['x', 'y', 'z'], added: ['<s>', '<im>'], padding: -1 });
    expect((await merge('base', 'task_arithmetic', ['short'])).err).toMatch(/expected a row of .* for each of 5 tokens, got 4/);
  });
});

// A model's embeddings under another vocabulary: row r is the model's row of the token that the vocabulary has at r. A token that the model lacks
// gets the base's row, as if the model had left it as it was; one that the base lacks too gets the mean of those that have it.
// Source: mergekit's documentation of `tokenizer_source`.

import { TwinrouteError } from '../../core/errors.ts';
import { sizeOf } from '../../core/tensor.ts';
import type { ModelTensors } from './model-tensors.ts';
import { rowsOf, type Vocabulary } from './vocabulary.ts';

/** A model with its tokens. */
export interface Reader {
  readonly model: ModelTensors;
  readonly vocabulary: Vocabulary;
}

/** Tensors with a row a token, in the namings that there are: inputs, and outputs with their biases. */
const BY_TOKEN =
  /(^|\.)((embed_tokens|word_embeddings|tok_embeddings|wte|embed_in|shared|lm_head|embed_out|output_projection|predictions\.decoder)\.(weight|bias)|predictions\.bias)$/;

/**
 * The models under one vocabulary.
 * @param readers the base first
 * @param rows of the result's embeddings; those without a token are the first reader's that has them
 * @throws {TwinrouteError} `incompatible` for embeddings with fewer rows than tokens
 */
export function alignedTo(vocabulary: Vocabulary, rows: number, readers: readonly Reader[]): readonly ModelTensors[] {
  const tokens: (string | undefined)[] = Array.from({ length: rows });
  for (const [token, id] of vocabulary.ids) tokens[id] = token;
  const places = readers.map(({ vocabulary: { ids } }) =>
    Int32Array.from(tokens, (token) => (token === undefined ? -1 : (ids.get(token) ?? -1))),
  );
  return readers.map((reader, own) => {
    expectRows(reader);
    const isSame = embeddingRows(reader) === rows && tokens.every((token, row) => token === undefined || places[own][row] === row);
    return isSame ? reader.model : aligned(own, readers, places);
  });
}

function aligned(own: number, readers: readonly Reader[], places: readonly Int32Array[]): ModelTensors {
  const { model } = readers[own];
  const index = places[own];
  const isByToken = (name: string): boolean => model.has(name) && BY_TOKEN.test(name);
  return {
    ...model,
    shape(name) {
      const shape = model.shape(name);
      return isByToken(name) ? [index.length, ...shape.slice(1)] : shape;
    },
    async readFloats(name, target, start = 0) {
      if (!isByToken(name)) return model.readFloats(name, target, start);
      const width = sizeOf(model.shape(name).slice(1));
      for (let done = 0; done < target.length;) {
        const row = Math.floor((start + done) / width);
        const within = (start + done) % width;
        // Rows that follow each other in both vocabularies are read at once.
        let run = 1;
        while (index[row] >= 0 && index[row + run] === index[row] + run) run++;
        const part = target.subarray(done, done + Math.min(run * width - within, target.length - done));
        if (index[row] >= 0) await model.readFloats(name, part, index[row] * width + within);
        else await fillMissing(part, name, { row, width, within }, readers, places);
        done += part.length;
      }
    },
  };
}

/** A part of a row that the model itself lacks. */
async function fillMissing(
  part: Float32Array,
  name: string,
  { row, width, within }: { readonly row: number; readonly width: number; readonly within: number },
  readers: readonly Reader[],
  places: readonly Int32Array[],
): Promise<void> {
  const owners = readers.flatMap(({ model }, m) => (model.has(name) && places[m][row] >= 0 ? [{ model, at: places[m][row] }] : []));
  const holders = places[0][row] >= 0 ? owners.slice(0, 1) : owners.length > 0 ? owners : paddingOf(name, row, readers);
  part.fill(0);
  const values = new Float32Array(part.length);
  for (const { model, at } of holders) {
    await model.readFloats(name, values, at * width + within);
    for (let i = 0; i < part.length; i++) part[i] += values[i] / holders.length;
  }
}

/** The first model whose embeddings have this row, though no token does. */
function paddingOf(name: string, row: number, readers: readonly Reader[]): { readonly model: ModelTensors; readonly at: number }[] {
  const found = readers.find(({ model }) => model.has(name) && row < model.shape(name)[0]);
  return found === undefined ? [] : [{ model: found.model, at: row }];
}

function expectRows({ model, vocabulary }: Reader): void {
  const wanted = rowsOf(vocabulary);
  const short = model.names.find((name) => BY_TOKEN.test(name) && model.shape(name)[0] < wanted);
  if (short !== undefined)
    throw new TwinrouteError(
      'incompatible',
      `${model.name}: expected a row of ${short} for each of ${wanted} tokens, got ${model.shape(short)[0]}`,
    );
}

/** Rows of a model's embeddings; as many as tokens where it has none. */
export function embeddingRows({ model, vocabulary }: Reader): number {
  const name = model.names.find((candidate) => BY_TOKEN.test(candidate));
  return Math.max(rowsOf(vocabulary), name === undefined ? 0 : model.shape(name)[0]);
}

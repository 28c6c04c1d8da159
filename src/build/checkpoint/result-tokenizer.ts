// Whose tokens the result of a merge reads, and the models laid under them.

import { TwinrouteError } from '../../core/errors.ts';
import type { MergeConfig } from '../../contract/merge-config.ts';
import type { FolderSource } from '../../formats/source.ts';
import { alignedTo, embeddingRows, type Reader } from './align-vocabulary.ts';
import type { ModelTensors } from './model-tensors.ts';
import { readVocabulary, rowsOf, unionOf, type Vocabulary } from './vocabulary.ts';

/** The tokenizer of a result. */
export interface ResultTokenizer {
  /** Whose files are copied, and whose special tokens config.json states. */
  readonly folder: FolderSource;
  /** tokenizer.json where it is none of theirs. */
  readonly json?: string;
  /** Rows of embeddings where they may be others than the frame's. */
  readonly rows?: number;
}

/** A model of the merge with its tokenizer's folder: its own, or its base's for an adapter. */
export interface TokenizedModel {
  /** As named in the config. */
  readonly name: string;
  readonly model: ModelTensors;
  readonly folder: FolderSource;
}

/**
 * The tokenizer that a config asks for, and the models under it.
 * @param models the frame first
 * @throws {TwinrouteError} `config` for a source that is no model of the merge; `not_found` where a vocabulary is needed that cannot be
 * read; `unsupported` for tokenizers without a union; `incompatible` for embeddings with fewer rows than tokens
 */
export async function resultTokenizer(
  config: MergeConfig,
  models: readonly TokenizedModel[],
): Promise<{ readonly tokenizer: ResultTokenizer; readonly models: readonly ModelTensors[] }> {
  const source = config.tokenizer_source ?? config.tokenizer?.source ?? undefined;
  const [frame] = models;
  const asTheyAre = { tokenizer: { folder: frame.folder }, models: models.map(({ model }) => model) };
  if (source === undefined) return asTheyAre;
  const found: (Vocabulary | undefined)[] = [];
  for (const { folder } of models) found.push(await readVocabulary(folder));
  // What cannot be read is taken for the base's, whose shapes it has to have anyway.
  if (source === 'base' && found.some((vocabulary) => vocabulary === undefined)) return asTheyAre;
  const readers = models.map(({ model, folder }, i): Reader => {
    const vocabulary = found[i];
    if (vocabulary !== undefined) return { model, vocabulary };
    throw new TwinrouteError(
      'not_found',
      `${folder.name}: expected a tokenizer.json with a vocabulary for tokenizer_source ${source}, got none`,
      {
        param: 'tokenizer_source',
      },
    );
  });
  if (source === 'union') {
    const union = unionOf(readers.map(({ vocabulary }) => vocabulary));
    const rows = Math.max(rowsOf(union), embeddingRows(readers[0]));
    const json = `${JSON.stringify(union.json, null, 2)}\n`;
    return { tokenizer: { folder: frame.folder, json, rows }, models: alignedTo(union, rows, readers) };
  }
  const own = source === 'base' ? 0 : placeOf(source, models);
  const rows = embeddingRows(readers[own]);
  return { tokenizer: { folder: models[own].folder, rows }, models: alignedTo(readers[own].vocabulary, rows, readers) };
}

/** `model:path` or the path alone. */
function placeOf(source: string, models: readonly TokenizedModel[]): number {
  const wanted = source.startsWith('model:') ? source.slice('model:'.length) : source;
  const place = models.findIndex(({ name }) => name === wanted);
  if (place >= 0) return place;
  throw new TwinrouteError(
    'config',
    `tokenizer_source: expected base, union, or a model of the merge (${models.map(({ name }) => name).join(', ')}), got ${source}`,
    { param: 'tokenizer_source' },
  );
}

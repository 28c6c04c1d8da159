// The tokens of a tokenizer.json, and the union of several: what has to be known to lay rows of one vocabulary beside those of another.

import * as z from 'zod/mini';
import { TwinrouteError } from '../../core/errors.ts';
import { readText } from '../../formats/read-text.ts';
import type { FolderSource } from '../../formats/source.ts';

const TokenId = z.int().check(z.minimum(0), z.maximum(1 << 24));
const AddedToken = z.looseObject({ id: TokenId, content: z.string() });

/** BPE, WordPiece and WordLevel list ids; Unigram's ids are places in a list. */
const TokenizerJson = z.looseObject({
  added_tokens: z._default(z.array(AddedToken), () => []),
  model: z.looseObject({
    type: z.optional(z.string()),
    vocab: z.union([z.record(z.string(), TokenId), z.array(z.tuple([z.string(), z.number()]))]),
  }),
});
type TokenizerJson = z.infer<typeof TokenizerJson>;

/** The largest multilingual vocabularies take some 20 MB. */
const MAX_TOKENIZER_BYTES = 128 << 20;

/** A model's tokens. */
export interface Vocabulary {
  /** Shown in errors. */
  readonly name: string;
  /** Ids by token, added tokens among them. */
  readonly ids: ReadonlyMap<string, number>;
  readonly json: TokenizerJson;
}

/** The tokens of a folder's tokenizer.json; undefined where there is none that lists them. */
export async function readVocabulary(folder: FolderSource): Promise<Vocabulary | undefined> {
  const text = await readText(folder, 'tokenizer.json', MAX_TOKENIZER_BYTES);
  const parsed = text === undefined ? undefined : z.safeParse(TokenizerJson, parsedOrUndefined(text));
  if (parsed?.success !== true) return undefined;
  const { model, added_tokens: added } = parsed.data;
  const listed = Array.isArray(model.vocab) ? model.vocab.map(([token], id): [string, number] => [token, id]) : Object.entries(model.vocab);
  return { name: folder.name, json: parsed.data, ids: new Map([...listed, ...added.map(({ content, id }) => [content, id] as const)]) };
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Models that find a token by its letters, so that one more entry is one more word that they know. */
const BY_LETTERS = ['WordPiece', 'WordLevel'];

/**
 * The first vocabulary with what the others have beyond it, behind its last id, in their order.
 * @throws {TwinrouteError} `unsupported` where further tokens come out of rules of splitting (merges, probabilities), which have no union
 */
export function unionOf([first, ...others]: readonly Vocabulary[]): Vocabulary {
  const ids = new Map(first.ids);
  const added = [...first.json.added_tokens];
  const words: [string, number][] = [];
  let next = rowsOf(first);
  for (const { name, ids: theirs, json } of others) {
    const missing = [...theirs].filter(([token]) => !ids.has(token)).sort(([, a], [, b]) => a - b);
    const special = new Map(json.added_tokens.map((token) => [token.content, token]));
    const plain = missing.filter(([token]) => !special.has(token));
    if (plain.length > 0 && !(json.model.type === first.json.model.type && BY_LETTERS.includes(json.model.type ?? ''))) {
      throw new TwinrouteError(
        'unsupported',
        `tokenizer_source: expected models that differ in added tokens alone for a union of ${first.json.model.type ?? 'unknown'} tokenizers, got ${plain.length} more of ${name} that its rules make, e.g. ${JSON.stringify(plain[0][0])}; name one of the models instead`,
        { param: 'tokenizer_source' },
      );
    }
    for (const [token] of missing) {
      const extra = special.get(token);
      if (extra === undefined) words.push([token, next]);
      else added.push({ ...extra, id: next });
      ids.set(token, next++);
    }
  }
  const { vocab } = first.json.model;
  const model = { ...first.json.model, vocab: Array.isArray(vocab) ? vocab : { ...vocab, ...Object.fromEntries(words) } };
  return { name: 'union', ids, json: { ...first.json, added_tokens: added, model } };
}

/** One more than the largest id. */
export function rowsOf({ ids }: Vocabulary): number {
  let rows = 0;
  for (const id of ids.values()) rows = Math.max(rows, id + 1);
  return rows;
}

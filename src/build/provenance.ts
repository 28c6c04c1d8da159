// Where a model folder comes from: a hash over the files that make the model, and what its card says of licence and source.

import { parse as parseYaml } from 'yaml';
import * as z from 'zod/mini';
import type { Provenance } from '../contract/manifest.ts';
import { parseWith } from '../contract/parse.ts';
import { hashSource, hashText, type CreateHasher } from '../formats/hash.ts';
import type { ByteSource, FolderSource } from '../formats/source.ts';

/** Files that change what a model computes; cards and training leftovers do not. */
const MODEL_FILE = /\.(safetensors|safetensors\.index\.json)$|^(config|adapter_config|tokenizer|tokenizer_config)\.json$/;
/** Cards are prose; what a build reads of them stands in the first lines. */
const MAX_CARD_BYTES = 1 << 20;

const Card = z.record(z.string(), z.unknown());

/**
 * Hash, licence and source of a model folder. What the card does not say is `unspecified`.
 * @param hash of a file; read and computed here when left out
 * Cost: reads every weight file once.
 */
export async function readProvenance(
  folder: FolderSource,
  createHasher: CreateHasher,
  hash = (source: ByteSource): Promise<string> => hashSource(source, createHasher),
): Promise<Provenance> {
  const hashes: [string, string][] = [];
  for (const file of await folder.list()) {
    const source = MODEL_FILE.test(file) ? await folder.open(file) : undefined;
    if (source !== undefined) hashes.push([file, await hash(source)]);
  }
  const card = await readCard(folder);
  return {
    sha256: modelSha256(hashes, createHasher),
    license: textOf(card['license']) ?? 'unspecified',
    source: textOf(card['source']) ?? textOf(card['base_model']) ?? 'unspecified',
  };
}

/**
 * The hash of a model folder from the hashes of its files: the sha256 of `<file> <sha256>\n` in name order, cards and other files left out.
 * An adapter's `base_sha256` is this hash of its base.
 */
export function modelSha256(hashes: readonly (readonly [file: string, sha256: string])[], createHasher: CreateHasher): string {
  const lines = hashes.filter(([file]) => MODEL_FILE.test(file)).sort(([a], [b]) => (a < b ? -1 : 1));
  return hashText(lines.map(([file, sha256]) => `${file} ${sha256}\n`).join(''), createHasher);
}

/** The YAML front matter of README.md, or nothing. */
async function readCard(folder: FolderSource): Promise<Record<string, unknown>> {
  const source = await folder.open('README.md');
  if (source === undefined) return {};
  const text = new TextDecoder().decode(await source.read(0, Math.min(source.sizeBytes, MAX_CARD_BYTES)));
  const front = /^---\r?\n(.*?)\r?\n---/s.exec(text)?.[1];
  if (front === undefined) return {};
  try {
    return parseWith(Card, parseYaml(front), 'README.md', 'format');
  } catch {
    return {}; // a card is for people: one that does not parse is not a reason to refuse the model
  }
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value;
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value.join(', ') : undefined;
}

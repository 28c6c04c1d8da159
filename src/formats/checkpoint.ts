// Opens model folders: a base, and experts that are held against it before anything of them is used.

import * as z from 'zod/mini';
import { canonicalJson } from '../core/canonical-json.ts';
import { TwinrouteError } from '../core/errors.ts';
import { ModelConfig } from '../contract/hf-config.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { findMisfits, matchNames, refuseMisfits, spell, type ModelLayout } from './fit.ts';
import { openFullExpert } from './full-expert.ts';
import { openLoraExpert } from './lora-expert.ts';
import type { Base, ExpertSource } from './model-source.ts';
import { readText } from './read-text.ts';
import type { FolderSource } from './source.ts';
import { openWeights } from './weights.ts';

export type { Base, ExpertSource, Head, LoraFactors, LoraParameter, ParameterSource } from './model-source.ts';

/** config.json and adapter_config.json; 100,000 labels stay below. */
const MAX_CONFIG_BYTES = 32 << 20;
/** The largest multilingual vocabularies take some 20 MB. */
const MAX_TOKENIZER_BYTES = 128 << 20;
/** Heads that a base may bring from its pre-training; an expert has its own. */
const BASE_HEAD = /^(cls|classifier|score|lm_head|qa_outputs)\./;
/** Fields of tokenizer.json that say how one program called it, not what it does to a text. */
const TOKENIZER_CALL_FIELDS = { truncation: undefined, padding: undefined, version: undefined };
const AnyObject = z.looseObject({});

/**
 * Opens a base; reads headers only.
 * @param layoutOf what the architecture of a config.json looks like; throws when there is none that fits
 * @param sha256 the base's hash, for experts that state theirs
 * @throws {TwinrouteError} `not_found`, `format`, `unsupported`; `incompatible` naming tensors that its own config does not expect
 */
export async function openBase(folder: FolderSource, layoutOf: (config: ModelConfig) => ModelLayout, sha256?: string): Promise<Base> {
  const config = await readConfig(folder);
  if (config === undefined) throw new TwinrouteError('not_found', `${folder.name}: expected a base with config.json, got a folder without`);
  const layout = layoutOf(config);
  const weights = await openWeights(folder, 'model');
  const { stored, rest } = matchNames(
    weights.names,
    layout.parameters.map(({ name }) => name),
    layout.prefixes,
  );
  refuseMisfits(folder.name, [
    ...findMisfits(layout.parameters, stored, weights),
    ...rest.filter((name) => !BASE_HEAD.test(name)).map((name) => `extra ${name} ${spell(weights.shape(name))}`),
  ]);
  return {
    name: folder.name,
    layout,
    sha256,
    tokenizer: await readTokenizer(folder),
    readFloat(name) {
      const storedName = stored.get(name);
      if (storedName !== undefined) return weights.readFloat(storedName);
      throw new TwinrouteError('internal', `${folder.name}: expected the name of a parameter, got ${name}`);
    },
  };
}

/**
 * Opens an expert of a base: a PEFT adapter when there is an adapter_config.json, else a full checkpoint. Reads headers and the head.
 * @throws {TwinrouteError} `incompatible` when the base does not fit, naming up to five reasons; `not_found`, `format`, `unsupported`
 */
export async function openExpert(folder: FolderSource, base: Base): Promise<ExpertSource> {
  const config = await readConfig(folder);
  if (config !== undefined) refuseMisfits(`${folder.name}/config.json`, configMisfits(config, base.layout));
  const tokenizer = await readTokenizer(folder);
  if (tokenizer !== undefined && base.tokenizer !== undefined && tokenizer !== base.tokenizer) {
    throw new TwinrouteError(
      'incompatible',
      `${folder.name}/tokenizer.json: expected the vocabulary and rules of the base's, got others; experts have to read the same tokens as their base`,
      { param: 'tokenizer.json' },
    );
  }
  const adapter = await readText(folder, 'adapter_config.json', MAX_CONFIG_BYTES);
  return adapter === undefined ? openFullExpert(folder, config, base) : openLoraExpert(folder, adapter, config, base);
}

async function readConfig(folder: FolderSource): Promise<ModelConfig | undefined> {
  const text = await readText(folder, 'config.json', MAX_CONFIG_BYTES);
  return text === undefined ? undefined : parseJsonWith(ModelConfig, text, `${folder.name}/config.json`, 'format');
}

async function readTokenizer(folder: FolderSource): Promise<string | undefined> {
  const text = await readText(folder, 'tokenizer.json', MAX_TOKENIZER_BYTES);
  if (text === undefined) return undefined;
  return canonicalJson({ ...parseJsonWith(AnyObject, text, `${folder.name}/tokenizer.json`, 'format'), ...TOKENIZER_CALL_FIELDS });
}

/** Fields of the encoder that an expert's config states otherwise than the base's. */
function configMisfits(config: ModelConfig, { config: wanted }: ModelLayout): string[] {
  return Object.entries(wanted).flatMap(([field, value]) => {
    const found = config[field];
    return found === undefined || found === value ? [] : [`${field} should be ${JSON.stringify(value)}, is ${JSON.stringify(found)}`];
  });
}

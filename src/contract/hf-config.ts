// config.json of Hugging Face checkpoints: the encoder's sizes and the head's labels. Fields that twinroute does not use are let through
// unread.

import * as z from 'zod/mini';
import { TwinrouteError } from '../core/errors.ts';
import { parseWith } from './parse.ts';

/** Bounds every extent well above known models, so that products of two stay exact and a lying config allocates nothing absurd. */
const Extent = z.int().check(z.minimum(1), z.maximum(1 << 24));

/** What any config.json has to say. */
export const ModelConfig = z.looseObject({ model_type: z.string().check(z.minLength(1), z.maxLength(64)) });
export type ModelConfig = z.infer<typeof ModelConfig>;

/** The encoder of a BERT checkpoint. */
export const BertConfig = z
  .object({
    model_type: z.literal('bert'),
    vocab_size: Extent,
    hidden_size: Extent,
    num_hidden_layers: z.int().check(z.minimum(1), z.maximum(1000)),
    num_attention_heads: Extent,
    intermediate_size: Extent,
    max_position_embeddings: Extent,
    type_vocab_size: z.int().check(z.minimum(2), z.maximum(1024)),
    layer_norm_eps: z._default(z.number().check(z.positive(), z.maximum(1)), 1e-12),
  })
  .check(
    z.refine(
      (config) => config.hidden_size % config.num_attention_heads === 0,
      'expected hidden_size to be a multiple of num_attention_heads',
    ),
  );
export type BertConfig = z.infer<typeof BertConfig>;

/** Fields that change what a BERT encoder computes, with the values that twinroute computes; an absent field means the first. */
const BERT_FEATURES = {
  hidden_act: ['gelu'],
  position_embedding_type: ['absolute'],
  is_decoder: [false],
  add_cross_attention: [false],
} as const;

/**
 * The encoder of a BERT config.json.
 * @throws {TwinrouteError} `format` when it does not fit; `unsupported` for an encoder that computes otherwise
 */
export function parseBertConfig(value: unknown, title: string): BertConfig {
  const features = parseWith(z.looseObject({}), value, title, 'format');
  for (const [field, known] of Object.entries(BERT_FEATURES)) {
    const found = features[field] ?? known[0];
    if (!known.some((one) => one === found))
      throw new TwinrouteError('unsupported', `${title}: expected ${field} ${JSON.stringify(known[0])}, got ${JSON.stringify(found)}`, {
        param: field,
      });
  }
  return parseWith(BertConfig, value, title, 'format');
}

const MAX_LABELS = 100_000;
const Label = z.string().check(z.minLength(1), z.maxLength(256));

/**
 * The head of a sequence classifier. `label2id` is not read: Hugging Face answers with `id2label`, and the two may disagree.
 */
export const HeadConfig = z.object({
  problem_type: z.nullish(z.enum(['single_label_classification', 'regression', 'multi_label_classification'])),
  id2label: z.nullish(z.record(z.string().check(z.regex(/^(0|[1-9]\d{0,5})$/, 'expected class numbers as keys')), Label)),
  num_labels: z.nullish(z.int().check(z.minimum(1), z.maximum(MAX_LABELS))),
});
export type HeadConfig = z.infer<typeof HeadConfig>;

/** What a head answers. */
export interface HeadMeaning {
  readonly problem: 'classification' | 'regression';
  /** Class names by index; one name for a regression. */
  readonly labels: readonly string[];
}

/**
 * The meaning of a head with `outputs` rows. Without a problem_type, one output is a regression, as Hugging Face trains it; without
 * labels they are `LABEL_0` and so on, as Hugging Face names them.
 * @throws {TwinrouteError} `incompatible` when labels and outputs differ in number; `format` when labels repeat or skip a number;
 * `unsupported` for multi-label heads and regressions of several numbers
 */
export function headMeaning(config: HeadConfig, outputs: number, title: string): HeadMeaning {
  const { problem_type: type, id2label: names, num_labels: count } = config;
  if (type === 'multi_label_classification')
    throw new TwinrouteError('unsupported', `${title}: expected single-label classification or regression, got ${type}`, {
      param: 'problem_type',
    });
  const problem = type === 'regression' || (!type && outputs === 1) ? 'regression' : 'classification';
  if (problem === 'regression' && outputs !== 1)
    throw new TwinrouteError('unsupported', `${title}: expected a regression of 1 output, got ${outputs}`, { param: 'problem_type' });
  const stated = names ? Object.keys(names).length : (count ?? outputs);
  if (stated !== outputs)
    throw new TwinrouteError('incompatible', `${title}: expected ${outputs} labels for a head of ${outputs} outputs, got ${stated}`, {
      param: 'id2label',
    });
  const labels = Array.from({ length: outputs }, (_, i) => {
    if (!names) return `LABEL_${i}`;
    if (Object.hasOwn(names, i)) return names[i];
    throw new TwinrouteError('format', `${title}: expected labels 0 to ${outputs - 1}, got none for ${i}`, { param: 'id2label' });
  });
  if (new Set(labels).size !== outputs)
    throw new TwinrouteError('format', `${title}: expected distinct labels, got a repeated one`, { param: 'id2label' });
  return { problem, labels };
}

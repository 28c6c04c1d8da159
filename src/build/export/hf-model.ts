// How an architecture is called in Hugging Face's classes, and the config.json that goes with its weights.

import type { ManifestExpert } from '../../contract/manifest.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { OpenArchitecture } from '../../model/registry.ts';
import type { ExportDtype } from './format.ts';

/** What Hugging Face's and PEFT's readers have to be told about an architecture. */
interface HfModel {
  readonly encoder: string;
  readonly classifier: string;
  /** Of the encoder's parameters inside the classifier. */
  readonly prefix: string;
  /** Fields of config.json that are the same for every model that twinroute computes. */
  readonly fixed: Readonly<Record<string, unknown>>;
  /** Whether a matrix is the weight of a linear layer; the others are tables. */
  isLinear(parameter: string): boolean;
}

const MODELS: Readonly<Record<string, HfModel>> = {
  bert: {
    encoder: 'BertModel',
    classifier: 'BertForSequenceClassification',
    prefix: 'bert.',
    fixed: { hidden_act: 'gelu', position_embedding_type: 'absolute', pad_token_id: 0 },
    isLinear: (parameter) => !parameter.startsWith('embeddings.'),
  },
};

/** @throws {TwinrouteError} `unsupported` for an architecture without a row */
export function hfModel({ architecture: { type } }: OpenArchitecture): HfModel {
  if (Object.hasOwn(MODELS, type)) return MODELS[type];
  throw new TwinrouteError('unsupported', `export: expected an architecture of ${Object.keys(MODELS).join(', ')}, got ${type}`);
}

/** config.json of the encoder alone, or of a classifier with an expert's head. */
export function hfConfig(model: OpenArchitecture, head: ManifestExpert | undefined, dtype: ExportDtype): string {
  const { encoder, classifier, fixed } = hfModel(model);
  const config = { architectures: [head === undefined ? encoder : classifier], ...model.config, ...fixed, torch_dtype: dtype };
  return `${JSON.stringify(head === undefined ? config : { ...config, ...meaningOf(head) }, null, 2)}\n`;
}

function meaningOf({ labels, problem }: ManifestExpert): object {
  return {
    // Pairs, not an object literal, so that a label named __proto__ stays a label.
    id2label: Object.fromEntries(labels.map((label, i) => [i, label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    problem_type: problem === 'regression' ? 'regression' : 'single_label_classification',
  };
}

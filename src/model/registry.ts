// The architectures that twinroute merges and serves. A new one is a definition like bert.ts and a row here.

import { TwinrouteError } from '../core/errors.ts';
import { parseBertConfig, type BertConfig } from '../contract/hf-config.ts';
import type { ModelLayout } from '../formats/fit.ts';
import type { Architecture, ParameterSpec } from './architecture.ts';
import { bert } from './bert.ts';

/** An architecture with a checked config. */
export interface OpenArchitecture {
  readonly architecture: Architecture<BertConfig>;
  readonly config: BertConfig;
  /** Parameters of the encoder in checkpoint order. */
  readonly parameters: readonly ParameterSpec[];
  /** Width that heads read. */
  readonly width: number;
}

const ROWS: readonly {
  readonly architecture: Architecture<BertConfig>;
  readonly parseConfig: (value: unknown, title: string) => BertConfig;
}[] = [{ architecture: bert, parseConfig: parseBertConfig }];

/**
 * The architecture of a checkpoint's `model_type`, with the checkpoint's config.
 * @param value content of config.json
 * @throws {TwinrouteError} `unsupported` for an unknown type, listing the known ones, or for an option that the architecture lacks;
 * `format` when the config does not fit
 */
export function openArchitecture(modelType: string, value: unknown): OpenArchitecture {
  const row = ROWS.find(({ architecture }) => architecture.type === modelType);
  if (row === undefined) {
    const known = ROWS.map(({ architecture }) => architecture.type).join(', ');
    throw new TwinrouteError('unsupported', `model_type: expected ${known}, got ${JSON.stringify(modelType)}`, { param: 'model_type' });
  }
  const { architecture, parseConfig } = row;
  const config = parseConfig(value, `config of ${modelType}`);
  return { architecture, config, parameters: architecture.parameters(config), width: architecture.width(config) };
}

/** What a checkpoint reader has to know of an architecture. */
export function layoutOf({ architecture, config, parameters, width }: OpenArchitecture): ModelLayout {
  return { type: architecture.type, config: { ...config }, prefixes: architecture.prefixes, parameters, width };
}

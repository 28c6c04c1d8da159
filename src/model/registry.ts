// The architectures that twinroute merges and serves. A new one is a definition like bert.ts and a row here.

import { TwinrouteError } from '../core/errors.ts';
import { parseWith } from '../contract/parse.ts';
import type { Architecture, ParameterSpec } from './architecture.ts';
import { bert, BertConfig } from './bert.ts';

/** An architecture with a checked config. */
export interface OpenArchitecture {
  readonly architecture: Architecture<BertConfig>;
  readonly config: BertConfig;
  /** Parameters of the encoder in checkpoint order. */
  readonly parameters: readonly ParameterSpec[];
  /** Width that heads read. */
  readonly width: number;
}

const ARCHITECTURES: readonly { readonly architecture: Architecture<BertConfig>; readonly schema: typeof BertConfig }[] = [
  { architecture: bert, schema: BertConfig },
];

/**
 * The architecture of a checkpoint's `model_type`, with the checkpoint's config.
 * @param config content of config.json; fields that the architecture does not use are dropped
 * @throws {TwinrouteError} `unsupported`, listing the known types; `incompatible` when the config does not fit
 */
export function openArchitecture(modelType: string, config: unknown): OpenArchitecture {
  const row = ARCHITECTURES.find(({ architecture }) => architecture.type === modelType);
  if (row === undefined) {
    const known = ARCHITECTURES.map(({ architecture }) => architecture.type).join(', ');
    throw new TwinrouteError('unsupported', `model_type: expected ${known}, got ${JSON.stringify(modelType)}`, { param: 'model_type' });
  }
  const parsed = parseWith(row.schema, config, `config of ${modelType}`, 'incompatible');
  return { architecture: row.architecture, config: parsed, parameters: row.architecture.parameters(parsed), width: row.architecture.width(parsed) };
}

// The architectures that twinroute merges and serves. A new one is a definition like bert.ts and a row here.

import { TwinrouteError } from '../core/errors.ts';
import type { Architecture } from './architecture.ts';
import { bert, type BertConfig } from './bert.ts';

const ARCHITECTURES: readonly Architecture<BertConfig>[] = [bert];

/**
 * The architecture of a checkpoint's `model_type`.
 * @throws {TwinrouteError} `unsupported`, listing the known ones
 */
export function architectureOf(modelType: string): Architecture<BertConfig> {
  const found = ARCHITECTURES.find((architecture) => architecture.type === modelType);
  if (found !== undefined) return found;
  const known = ARCHITECTURES.map((architecture) => architecture.type).join(', ');
  throw new TwinrouteError('unsupported', `architectureOf: expected a model_type of ${known}, got ${JSON.stringify(modelType)}`, { param: 'model_type' });
}

// What is served under which name. A pack is two models, one that reads text and one that reads token ids; packs of one name and
// different configs are versions of one model, and the first of them answers when no version is asked for.

import { TwinrouteError } from '../core/errors.ts';
import { TOKENS_SUFFIX } from '../contract/oip.ts';
import type { Door } from './admission.ts';
import type { Batcher } from './batcher.ts';
import type { Predictor, PredictorOutput, PredictorRow } from './predictor.ts';

/** One version of a served model. */
export interface ServedModel {
  readonly name: string;
  readonly reads: 'text' | 'tokens';
  readonly predictor: Predictor;
  /** Shared by the two models of a pack: their rows run in the same batches. */
  readonly batcher: Batcher<PredictorRow, PredictorOutput> & Partial<Door>;
}

/** The served models. */
export interface ModelTable {
  readonly models: readonly ServedModel[];
  /** The model of that name and version (the first version when none is given). @throws {TwinrouteError} `not_found` */
  find(name: string, version?: string): ServedModel;
  /** Versions of a name, the default one first. */
  versions(name: string): readonly string[];
}

/**
 * The table of the given packs.
 * @throws {TwinrouteError} `config` when two of them would have the same name and version
 */
export function createModelTable(packs: readonly Pick<ServedModel, 'predictor' | 'batcher'>[]): ModelTable {
  const byName = new Map<string, ServedModel[]>();
  const models: ServedModel[] = [];
  for (const { predictor, batcher } of packs) {
    for (const reads of ['text', 'tokens'] as const) {
      const name = reads === 'text' ? predictor.name : `${predictor.name}${TOKENS_SUFFIX}`;
      const namesakes = byName.get(name) ?? [];
      if (namesakes.some((other) => other.predictor.version === predictor.version || other.reads !== reads)) {
        throw new TwinrouteError(
          'config',
          `origin: expected packs of different names or configs, got two models "${name}" of version ${predictor.version}`,
        );
      }
      const model: ServedModel = { name, reads, predictor, batcher };
      byName.set(name, [...namesakes, model]);
      models.push(model);
    }
  }
  const namesakesOf = (name: string): readonly ServedModel[] => {
    const found = byName.get(name);
    if (found !== undefined) return found;
    throw new TwinrouteError('not_found', `model: expected one of ${[...byName.keys()].join(', ')}, got "${name}"`, { param: 'model' });
  };
  return {
    models,
    find(name, version) {
      const namesakes = namesakesOf(name);
      const found = version === undefined ? namesakes[0] : namesakes.find((model) => model.predictor.version === version);
      if (found !== undefined) return found;
      throw new TwinrouteError(
        'not_found',
        `version of ${name}: expected one of ${namesakes.map((model) => model.predictor.version).join(', ')}, got "${version}"`,
        { param: 'version' },
      );
    },
    versions: (name) => namesakesOf(name).map((model) => model.predictor.version),
  };
}

// What is served under which name. A pack is two models, one that reads text and one that reads token ids; packs of one name and
// different configs are versions of one model, and the first of them answers when no version is asked for.

import { TwinrouteError } from '../core/errors.ts';
import { TOKENS_SUFFIX } from '../contract/oip.ts';
import type { Predictor } from './predictor.ts';
import type { ServedPack } from './served-pack.ts';

/** One version of a served model. The two models of a pack share its batcher: their rows run in the same batches. */
export interface ServedModel extends ServedPack {
  readonly name: string;
  readonly reads: 'text' | 'tokens';
}

/** The served models. */
export interface ModelTable {
  readonly models: readonly ServedModel[];
  /**
   * The model of that name and version (the first version when none is given).
   * @throws {TwinrouteError} `unavailable` for one that is known but not loaded now, else `not_found`
   */
  find(name: string, version?: string): ServedModel;
  /** Versions of a name, the default one first. */
  versions(name: string): readonly string[];
}

/** A table that changes while it is read: whoever found a model keeps it. */
export interface LiveTable extends ModelTable {
  /**
   * Serves these packs from now on, in one step.
   * @throws {TwinrouteError} `config` when two of them would have the same name and version; the table stays as it was
   */
  set(packs: readonly ServedPack[]): void;
  /** Packs of this name come and go: they are unavailable while they are not there. */
  expect(name: string): void;
}

type ByName = ReadonlyMap<string, readonly ServedModel[]>;

/**
 * The table of the given packs.
 * @throws {TwinrouteError} `config` when two of them would have the same name and version
 */
export function createModelTable(packs: readonly ServedPack[]): LiveTable {
  let byName = arrange(packs);
  const expected = new Set<string>();
  const namesakesOf = (name: string): readonly ServedModel[] => {
    const found = byName.get(name);
    if (found !== undefined) return found;
    if (expected.has(name))
      throw new TwinrouteError('unavailable', `model: expected ${name} to be loaded, got one that is not now`, {
        param: 'model',
        retryAfterSeconds: 1,
      });
    throw new TwinrouteError('not_found', `model: expected one of ${[...byName.keys()].join(', ')}, got "${name}"`, { param: 'model' });
  };
  return {
    get models() {
      return [...byName.values()].flat();
    },
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
    set(next) {
      byName = arrange(next);
    },
    expect(name) {
      for (const reads of READS) expected.add(modelName(name, reads));
    },
  };
}

const READS = ['text', 'tokens'] as const;

function modelName(pack: Predictor['name'], reads: ServedModel['reads']): string {
  return reads === 'text' ? pack : `${pack}${TOKENS_SUFFIX}`;
}

function arrange(packs: readonly ServedPack[]): ByName {
  const byName = new Map<string, ServedModel[]>();
  for (const pack of packs) {
    const { version } = pack.predictor;
    for (const reads of READS) {
      const name = modelName(pack.predictor.name, reads);
      const namesakes = byName.get(name) ?? [];
      if (namesakes.some((other) => other.predictor.version === version || other.reads !== reads))
        throw new TwinrouteError(
          'config',
          `origin: expected packs of different names or configs, got two models "${name}" of version ${version}`,
        );
      byName.set(name, [...namesakes, { ...pack, name, reads }]);
    }
  }
  return byName;
}

// What the next release says, from what the newest one does. Pure: nothing is asked, signed or sent here.

import type { ConfigEntry } from '../../contract/edge-bundle.ts';
import { parseWith } from '../../contract/parse.ts';
import { Experiment } from '../../contract/experiments.ts';
import { RELEASE_LIMITS, type Release, type ReleaseContent } from '../../contract/release.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { VerifiedRelease } from '../../formats/signing/release-signature.ts';

/** Keys of experiments that are rollouts by percent start so. */
const ROLLOUT_KEY = 'rollout-';
/** Errors that a config may have beyond the old one's before its rollout is taken back, as a share of requests. */
const ERROR_MARGIN = 0.01;

/** What a release says of itself beside its content. */
export interface ReleaseFacts extends Pick<Release, 'action' | 'by' | 'reason' | 'restores'> {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** The release that follows. */
export function nextRelease(head: VerifiedRelease | undefined, content: ReleaseContent, { nowMs, ...facts }: ReleaseFacts): Release {
  return {
    schema: 1,
    version: (head?.release.version ?? 0) + 1,
    ...(head !== undefined && { previous: { version: head.release.version, sha256: head.sha256 } }),
    created: new Date(nowMs).toISOString(),
    ...facts,
    ...content,
  };
}

/** What a release serves. */
export function contentOf({ configs, experiments, prices }: Release): ReleaseContent {
  return { configs, ...(experiments !== undefined && { experiments }), ...(prices !== undefined && { prices }) };
}

/** What changes when packs are published. */
export interface Publication extends Pick<ReleaseContent, 'experiments' | 'prices'> {
  readonly entries: readonly ConfigEntry[];
  /** Configs that go. */
  readonly remove: readonly string[];
  /** Whether entries may take the place of others of the same config. */
  readonly replace: boolean;
}

/**
 * With further configs behind those that are listed: staged, the default stays the default.
 * @throws {TwinrouteError} `config` for a listed config with other files, one to remove that is not listed or is the default, or too many
 */
export function withPublished(content: ReleaseContent, { entries, remove, replace, experiments, prices }: Publication): ReleaseContent {
  const configs = [...content.configs];
  for (const config of remove) {
    const place = configs.findIndex((entry) => entry.config === config);
    if (place === 0) throw new TwinrouteError('config', `--remove: expected a config that is not the default, got ${config}`);
    if (place < 0) throw unlisted('--remove', configs, config);
    configs.splice(place, 1);
  }
  for (const entry of entries) {
    const place = configs.findIndex(({ config }) => config === entry.config);
    if (place < 0) configs.push(entry);
    else if (replace || configs[place].sha256 === entry.sha256) configs[place] = entry;
    else
      throw new TwinrouteError(
        'config',
        `publish: expected the files of ${entry.config} that are published already, got others; --replace takes these, at once and for everybody whom that config answers`,
      );
  }
  if (configs.length > RELEASE_LIMITS.configs)
    throw new TwinrouteError(
      'config',
      `publish: expected at most ${RELEASE_LIMITS.configs} configs, got ${configs.length}; --remove takes one away`,
    );
  return { ...content, configs, ...(experiments !== undefined && { experiments }), ...(prices !== undefined && { prices }) };
}

/**
 * With a config as the default. Rollouts by percent are over.
 * @throws {TwinrouteError} `config` when it is not listed, or is the default already
 */
export function withDefault(content: ReleaseContent, config: string): ReleaseContent {
  const entry = stagedEntry(content, config);
  const { experiments: all, ...rest } = content;
  const experiments = all?.experiments.filter(({ key }) => !key.startsWith(ROLLOUT_KEY)) ?? [];
  return {
    ...rest,
    configs: [entry, ...content.configs.filter((other) => other.config !== config)],
    // A list that was only there for the rollout would hide what is published elsewhere.
    ...(experiments.length > 0 && { experiments: { experiments } }),
  };
}

/**
 * With a config on a share of the units, against the default: an experiment before all others, which goes back by itself when errors rise.
 * @param percent of units, in (0, 100)
 * @param unit what is assigned
 * @throws {TwinrouteError} as `withDefault`
 */
export function withShare(content: ReleaseContent, config: string, percent: number, unit: 'user' | 'key'): ReleaseContent {
  stagedEntry(content, config);
  const key = ROLLOUT_KEY + config;
  const arms = [
    { name: 'old', config: content.configs[0].config, weight: 1 - percent / 100 },
    { name: 'new', config, weight: percent / 100 },
  ];
  const guardrails = [{ metric: 'error', margin: ERROR_MARGIN, action: 'rollback' }];
  const rollout = parseWith(Experiment, { key, unit, arms, guardrails, allow_forced: true }, 'rollout', 'internal');
  const others = content.experiments?.experiments.filter((experiment) => experiment.key !== key) ?? [];
  return { ...content, experiments: { experiments: [rollout, ...others] } };
}

function stagedEntry({ configs }: ReleaseContent, config: string): ConfigEntry {
  if (configs[0].config === config) throw new TwinrouteError('config', `rollout: expected another config than the default, got ${config}`);
  const entry = configs.find((candidate) => candidate.config === config);
  if (entry !== undefined) return entry;
  throw unlisted('rollout', configs, config);
}

function unlisted(where: string, configs: readonly ConfigEntry[], config: string): TwinrouteError {
  return new TwinrouteError('config', `${where}: expected one of ${configs.map((entry) => entry.config).join(', ')}, got ${config}`);
}

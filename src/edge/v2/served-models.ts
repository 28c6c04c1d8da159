// The models of the protocol: packs by their names, configs as their versions.

import type { EdgeBundle } from '../../contract/edge-bundle.ts';
import { TOKENS_SUFFIX, type OipModelMetadata } from '../../contract/oip.ts';
import type { Tenant } from '../../contract/tenant.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { answerOutputs, choiceInputs, PLATFORM, TEXT_INPUTS } from '../../formats/oip/model.ts';
import type { Bundles } from '../bundles.ts';

/** A model that was asked for. */
export interface ServedModel {
  readonly name: string;
  /** Configs of that name that the caller may have, the default one first. */
  readonly versions: readonly string[];
  /** What the model is told to be. */
  readonly bundle: EdgeBundle;
  /** The config to answer with; undefined leaves it to experiments, as /v1/predict does for who names none. */
  readonly config: string | undefined;
}

/** Every model version that the caller may have. */
export async function servedVersions(
  bundles: Bundles,
  tenant: Tenant | undefined,
): Promise<readonly { readonly name: string; readonly config: string }[]> {
  const { configs } = await bundles.index();
  // What answers when nothing is named comes first: the key's first config.
  const allowed = tenant?.configs;
  return allowed === undefined ? configs : allowed.flatMap((config) => configs.filter((entry) => entry.config === config));
}

/**
 * The model of that name and version.
 * @throws {TwinrouteError} `not_found`, also for what the caller's key does not allow
 */
export async function findModel(
  bundles: Bundles,
  tenant: Tenant | undefined,
  name: string,
  version: string | undefined,
): Promise<ServedModel> {
  const all = await servedVersions(bundles, tenant);
  const versions = all.filter((entry) => entry.name === name).map(({ config }) => config);
  if (versions.length === 0) throw unknownModel(new Set(all.map((entry) => entry.name)), name);
  const config = version ?? versions[0];
  if (!versions.includes(config))
    throw new TwinrouteError('not_found', `version of ${name}: expected one of ${versions.join(', ')}, got "${config.slice(0, 64)}"`, {
      param: 'version',
    });
  const { bundle } = await bundles.load(config);
  const isDefault = version === undefined && config === all[0].config;
  return { name, versions, bundle, config: isDefault ? undefined : config };
}

function unknownModel(names: ReadonlySet<string>, name: string): TwinrouteError {
  const ofTokens = name.endsWith(TOKENS_SUFFIX) && names.has(name.slice(0, -TOKENS_SUFFIX.length));
  const got = ofTokens ? `"${name}", which only origins serve: the edge routes by texts` : `"${name.slice(0, 64)}"`;
  return new TwinrouteError('not_found', `model: expected one of ${[...names].join(', ')}, got ${got}`, { param: 'model' });
}

/** What the edge tells of an answer beside what origins tell: the merge. */
function mergeOutputs(experts: number): OipModelMetadata['outputs'] {
  return [
    { name: 'mix', datatype: 'FP32', shape: [-1, experts] },
    { name: 'router_scores', datatype: 'FP32', shape: [-1, experts] },
    { name: 'abstained', datatype: 'BOOL', shape: [-1] },
    { name: 'covered', datatype: 'FP32', shape: [-1] },
  ];
}

/** Answer of `GET /v2/models/{m}`. */
export function metadataOf({ name, versions, bundle: { experts } }: ServedModel): OipModelMetadata {
  return {
    name,
    versions,
    platform: PLATFORM,
    inputs: [...TEXT_INPUTS, ...choiceInputs(experts.length)],
    outputs: [...answerOutputs(experts), ...mergeOutputs(experts.length)],
    parameters: { experts: experts.map((expert) => expert.name).join(','), route: true },
  };
}

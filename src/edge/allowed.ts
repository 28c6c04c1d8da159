// What a key may be answered with: its configs and its experts.

import type { EdgeBundle } from '../contract/edge-bundle.ts';
import type { Tenant } from '../contract/tenant.ts';
import { TwinrouteError } from '../core/errors.ts';
import type { Decision, Merge } from './decide.ts';

/**
 * The config to ask: the one that was named, else the first that the key allows, else the deployment's first.
 * @throws {TwinrouteError} `forbidden` for a config that the key does not allow
 */
export function allowedConfig(tenant: Tenant | undefined, named: string | undefined): string | undefined {
  if (tenant?.configs === undefined || (named !== undefined && tenant.configs.includes(named))) return named;
  if (named === undefined) return tenant.configs[0];
  throw new TwinrouteError('forbidden', `config: expected one that the key allows, got ${named}`, { param: 'config' });
}

/**
 * The decision with only those experts that the key allows: what a router chose beside them becomes the shared model's part.
 * @throws {TwinrouteError} `forbidden` when the caller named another expert, none is left that may answer, or the model mixes one that the key does
 *   not allow whatever is decided
 */
export function allowedDecision(tenant: Tenant | undefined, decision: Decision, { gated, experts: all }: EdgeBundle): Decision {
  const { experts } = tenant ?? {};
  if (experts === undefined) return decision;
  if (gated === true && !all.every(({ name }) => experts.includes(name)))
    throw refusal('a key that allows every expert of this config, whose gates mix them all');
  // An origin that routes may pick any expert; the edge's own merge is the fallback where there is one.
  if (decision.merge === undefined) throw refusal('a config whose router is at the edge');
  return { originRoutes: false, merge: allowedMerge(new Set(experts), decision.merge) };
}

function allowedMerge(experts: ReadonlySet<string>, merge: Merge): Merge {
  const may = (expert: string): boolean => experts.has(expert);
  if (merge.by === 'caller') {
    if (merge.heads.every(may) && merge.mix.every(({ expert }) => may(expert))) return merge;
    throw refusal('an expert that the key allows');
  }
  const mix = merge.mix.filter(({ expert }) => may(expert));
  const heads = (mix.length > 0 ? mix : merge.scores).map(({ expert }) => expert).filter(may);
  if (heads.length === 0) throw refusal('a config with an expert that the key allows');
  return { ...merge, mix, heads, abstained: mix.length === 0 };
}

function refusal(expected: string): TwinrouteError {
  return new TwinrouteError('forbidden', `predict: expected ${expected}, got another`, { param: 'task' });
}

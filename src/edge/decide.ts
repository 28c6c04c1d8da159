// Who decides the merge of one input, and what was decided: the caller, the edge's router, or (left open here) the origin's.

import type { PredictInput } from '../contract/http.ts';
import { TwinrouteError } from '../core/errors.ts';
import { type Mix, parseMix } from '../core/mix.ts';
import type { RouterScore } from '../core/routing/policy.ts';
import type { DeployedConfig } from './load-config.ts';

/** A merge that was decided. */
export interface Merge {
  readonly by: 'caller' | 'edge';
  readonly mix: Mix;
  /** Experts whose head may answer, best first. */
  readonly heads: readonly string[];
  readonly abstained: boolean;
  /** Highest first; empty when the caller decided. */
  readonly scores: readonly RouterScore[];
}

/** What is known before an origin is asked. `merge` is absent or a fallback when `originRoutes`. */
export type Decision =
  | { readonly originRoutes: false; readonly merge: Merge }
  | { readonly originRoutes: true; readonly merge: Merge | undefined };

/**
 * Decides the merge of an input.
 * @throws {TwinrouteError} `not_found` for an expert that the config lacks; `invalid_request` for a mix that is none
 */
export async function decide(deployed: DeployedConfig, input: PredictInput): Promise<Decision> {
  const named = fromCaller(deployed, input);
  if (named !== undefined) return { originRoutes: false, merge: named };
  const merge = await fromRouter(deployed, input);
  if (merge === undefined || (deployed.bundle.routing === 'auto' && merge.abstained)) return { originRoutes: true, merge };
  return { originRoutes: false, merge };
}

/** The edge router's merge, or undefined where the origin alone routes. */
export async function fromRouter(
  deployed: DeployedConfig,
  input: { readonly text: string; readonly text_pair?: string | undefined; readonly top_k?: number | undefined },
): Promise<Merge | undefined> {
  if (deployed.router === undefined || deployed.bundle.routing === 'origin') return undefined;
  const router = await deployed.router();
  const { scores, mix, abstained } = await router.route(input.text, input.text_pair, input.top_k);
  const ranked = [...scores].sort((a, b) => b.score - a.score);
  return { by: 'edge', mix, abstained, scores: ranked, heads: (mix.length > 0 ? mix : ranked).map((entry) => entry.expert) };
}

/** The merge of an input that names a task or a mix. */
function fromCaller(deployed: DeployedConfig, input: PredictInput): Merge | undefined {
  const { task, mix: asked } = input;
  if (task === undefined && asked === undefined) return undefined;
  if (task !== undefined && !deployed.experts.has(task))
    throw new TwinrouteError('not_found', `task: expected an expert that GET /v1/experts lists, got ${task}`, { param: 'task' });
  const mix = asked === undefined ? [] : parseMix(asked, [...deployed.experts.keys()]);
  const heads = task === undefined ? mix.map((entry) => entry.expert) : [task];
  if (heads.length === 0)
    throw new TwinrouteError('invalid_request', 'task: expected a task beside a mix without weights, got none', { param: 'task' });
  return {
    by: 'caller',
    mix: asked === undefined ? heads.map((expert) => ({ expert, weight: 1 })) : mix,
    heads,
    abstained: false,
    scores: [],
  };
}

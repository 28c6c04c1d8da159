// Which arm a unit (an end user, or the caller's key) belongs to. Nothing is stored: the same unit gets the same arm wherever it is asked.

import { bucketOf, bucketRanges, inNamespace, inRange, type BucketRange, type HashVersion } from './bucket.ts';

/** What assignment depends on. */
export interface AssignmentRule {
  readonly key: string;
  /** Taken in place of the key where it is set and not empty. */
  readonly seed?: string | undefined;
  readonly hash_version: HashVersion;
  /** Share of each arm; they sum to 1. */
  readonly weights: readonly number[];
  /** Share of the units that take part. */
  readonly coverage: number;
  readonly namespace?: { readonly name: string; readonly range: BucketRange } | undefined;
  /** Units that no experiment with a holdout of this name enrols. */
  readonly holdout?: { readonly name: string; readonly share: number } | undefined;
}

/** An arm's index, or why there is none: `held` back by the holdout, or `out` of namespace or coverage. */
export type Assignment = number | 'held' | 'out';

/** Assigns a unit; an empty one is never enrolled. */
export function assign(rule: AssignmentRule, unit: string): Assignment {
  if (unit === '') return 'out';
  const { namespace, holdout } = rule;
  if (namespace !== undefined && !inNamespace(unit, namespace.name, namespace.range)) return 'out';
  // Version 2 and a prefix of its own: independent of the namespace's hash and of the arms'.
  if (holdout !== undefined && bucketOf(`__holdout_${holdout.name}`, unit, 2) < holdout.share) return 'held';
  const bucket = bucketOf(rule.seed || rule.key, unit, rule.hash_version);
  const arm = bucketRanges(rule.weights.length, rule.coverage, rule.weights).findIndex((range) => inRange(bucket, range));
  return arm < 0 ? 'out' : arm;
}

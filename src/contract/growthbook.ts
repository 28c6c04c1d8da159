// GrowthBook's experiment definitions, in and out. Assignment survives the journey bit for bit; what one side lacks is named in notices.

import * as z from 'zod/mini';
import { bucketRanges, usableWeights, type BucketRange } from '../core/experiment/bucket.ts';
import { TwinrouteError } from '../core/errors.ts';
import { Experiment } from './experiments.ts';
import { ConfigId, Name } from './names.ts';
import { parseWith } from './parse.ts';

/** A variation's value: the config's id, bare or under `config`. */
const Variation = z.union([ConfigId, z.looseObject({ config: ConfigId })]);

/** The part of a definition that twinroute understands; `looseObject` keeps the rest, to be named. */
const Definition = z.looseObject({
  key: z.string(),
  variations: z.array(Variation).check(z.minLength(2)),
  weights: z.optional(z.array(z.number())),
  coverage: z.optional(z.number()),
  ranges: z.optional(z.array(z.tuple([z.number(), z.number()]))),
  namespace: z.optional(z.tuple([z.string(), z.number(), z.number()])),
  seed: z.optional(z.string()),
  hashVersion: z.optional(z.union([z.literal(1), z.literal(2)])),
  hashAttribute: z.optional(z.string()),
  meta: z.optional(z.array(z.looseObject({ key: z.optional(z.string()), name: z.optional(z.string()) }))),
  status: z.optional(z.enum(['draft', 'running', 'stopped'])),
  active: z.optional(z.boolean()),
});
type Definition = z.infer<typeof Definition>;

/** Fields that narrow who takes part. */
const TARGETING = ['condition', 'parentConditions', 'filters', 'urlPatterns', 'url', 'groups', 'include', 'force', 'contextualBandit'];

/** Attributes that twinroute knows as the caller's key; any other is the end user. */
const KEY_ATTRIBUTES = ['key', 'api_key', 'apiKey', 'tenant', 'company'];

/** An experiment, and what could not be taken along. */
export interface Converted<T> {
  readonly value: T;
  /** One sentence each. */
  readonly notices: readonly string[];
}

/**
 * The experiment of a GrowthBook definition whose variations are config ids.
 * @throws {TwinrouteError} `config` when it does not fit, or its ranges are not those of any weights and coverage
 */
export function fromGrowthBook(definition: unknown): Converted<Experiment> {
  const source = parseWith(Definition, definition, 'GrowthBook experiment', 'config');
  const { key, seed, hashVersion, hashAttribute = 'id', namespace } = source;
  const notices: string[] = [];
  for (const field of Object.keys(source)) if (!(field in Definition.def.shape)) notices.push(dropped(field));
  const byKey = KEY_ATTRIBUTES.includes(hashAttribute);
  if (!byKey && !['id', 'user', 'user_id', 'userId'].includes(hashAttribute))
    notices.push(`hashAttribute: ${hashAttribute} is read from the request's field user`);
  const { weights, coverage } = sharesOf(source, notices);
  const names = armNames(source, notices);
  const experiment = {
    key,
    ...(seed === undefined || seed === '' ? {} : { seed }),
    hash_version: hashVersion ?? 1,
    unit: byKey ? 'key' : 'user',
    arms: source.variations.map((variation, i) => ({
      name: names[i],
      config: typeof variation === 'string' ? variation : variation.config,
      weight: weights[i],
    })),
    coverage,
    ...(namespace === undefined ? {} : { namespace: { name: namespace[0], range: [namespace[1], namespace[2]] } }),
    status: source.active === false || (source.status ?? 'running') !== 'running' ? 'stopped' : 'running',
  };
  return { value: parseWith(Experiment, experiment, 'GrowthBook experiment', 'config'), notices };
}

/** The GrowthBook definition of an experiment. */
export function toGrowthBook(experiment: Experiment): Converted<Record<string, unknown>> {
  const { key, seed, hash_version, unit, arms, coverage, namespace, status } = experiment;
  const notices: string[] = [];
  for (const field of ['holdout', 'ramp', 'shadow'] as const)
    if (experiment[field] !== undefined) notices.push(`${field}: dropped; GrowthBook's definition has no place for it`);
  if (experiment.guardrails.length > 0)
    notices.push("guardrails: dropped; GrowthBook keeps an experiment's metrics outside its definition");
  if (status === 'frozen' || status === 'rolled_back')
    notices.push(`status: ${status} becomes ${status === 'frozen' ? 'running' : 'stopped'}`);
  const value = {
    key,
    ...(seed === undefined ? {} : { seed }),
    variations: arms.map(({ config }) => config),
    weights: arms.map(({ weight }) => weight),
    meta: arms.map(({ name }) => ({ key: name, name })),
    coverage,
    ...(namespace === undefined ? {} : { namespace: [namespace.name, ...namespace.range] }),
    hashVersion: hash_version,
    hashAttribute: unit === 'key' ? 'key' : 'id',
    status: status === 'running' || status === 'frozen' ? 'running' : 'stopped',
  };
  return { value, notices };
}

function dropped(field: string): string {
  if (TARGETING.includes(field)) return `${field}: dropped; twinroute does not target, so units that it left out may be enrolled`;
  return `${field}: dropped; twinroute has no use for it`;
}

/** The variations' names where they are names here and distinct, else numbered ones. */
function armNames(source: Definition, notices: string[]): readonly string[] {
  const names = source.variations.map((_, i) => source.meta?.[i]?.name ?? source.meta?.[i]?.key ?? `arm-${i}`);
  if (new Set(names).size === names.length && names.every((name) => z.safeParse(Name, name).success)) return names;
  notices.push('meta: arms are numbered, because the names of the variations are not distinct plain names');
  return names.map((_, i) => `arm-${i}`);
}

/** Weights and coverage as the SDK would use them. */
function sharesOf(source: Definition, notices: string[]): { readonly weights: readonly number[]; readonly coverage: number } {
  const count = source.variations.length;
  if (source.ranges !== undefined) return sharesOfRanges(source.ranges, count);
  const weights = usableWeights(count, source.weights);
  if (source.weights !== undefined && weights !== source.weights)
    notices.push('weights: equal ones stand in for weights that do not sum to 1, as in the SDK');
  return { weights, coverage: Math.min(1, Math.max(0, source.coverage ?? 1)) };
}

/** Ranges as weights and a coverage: each range starts where the weights before it end. */
function sharesOfRanges(ranges: readonly BucketRange[], count: number): { readonly weights: readonly number[]; readonly coverage: number } {
  const weights = ranges.map(([start], i) => (i + 1 < ranges.length ? ranges[i + 1][0] : 1) - start);
  const coverage = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const rebuilt = bucketRanges(count, coverage, weights);
  const close = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9;
  if (rebuilt.length === ranges.length && rebuilt.every(([start, end], i) => close(start, ranges[i][0]) && close(end, ranges[i][1])))
    return { weights, coverage: Math.min(1, coverage) };
  throw new TwinrouteError('config', 'GrowthBook experiment: ranges: expected those of weights and one coverage, got others', {
    param: 'ranges',
  });
}

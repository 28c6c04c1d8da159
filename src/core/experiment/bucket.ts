// Bucketing exactly as GrowthBook's SDKs have it, so that an experiment that moves between GrowthBook and twinroute keeps every unit in its
// arm. Source of all rules here: GrowthBook's SDK specification 0.8.0 and its JavaScript SDK 1.8.0 (MIT), against which the tests compare.

/** How a unit's text becomes a number. 2 is unbiased; 1 is GrowthBook's older default. */
export type HashVersion = 1 | 2;

/** A half-open interval of [0, 1]. */
export type BucketRange = readonly [start: number, end: number];

/** FNV-1a, 32 bits, over UTF-16 code units: other numbers than the usual one over bytes, except for ASCII. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Where `unit` lies in [0, 1), in steps of 1/10,000 (version 2) or 1/1,000 (version 1). */
export function bucketOf(seed: string, unit: string, version: HashVersion): number {
  if (version === 1) return (fnv1a32(unit + seed) % 1000) / 1000;
  return (fnv1a32(String(fnv1a32(seed + unit))) % 10_000) / 10_000;
}

/** The weights, or equal ones where they are not `count` numbers that sum to between 0.99 and 1.01. */
export function usableWeights(count: number, weights: readonly number[] | undefined): readonly number[] {
  const total = weights?.reduce((sum, weight) => sum + weight, 0) ?? 0;
  if (weights?.length === count && total >= 0.99 && total <= 1.01) return weights;
  return Array.from({ length: count }, () => 1 / count);
}

/**
 * The ranges of the arms. Each begins where the weights before it end and is `coverage` of its weight wide, so that an arm keeps its units
 * when coverage grows.
 * @param count how many arms
 * @param coverage clipped to [0, 1]
 * @param weights see `usableWeights`
 */
export function bucketRanges(count: number, coverage: number, weights: readonly number[] | undefined): readonly BucketRange[] {
  const share = Math.min(1, Math.max(0, coverage));
  let end = 0;
  return usableWeights(count, weights).map((weight): BucketRange => {
    const start = end;
    end += weight;
    return [start, start + share * weight];
  });
}

/** Whether `bucket` lies in `range`. */
export function inRange(bucket: number, [start, end]: BucketRange): boolean {
  return bucket >= start && bucket < end;
}

/** Whether `unit` lies in that part of a namespace: experiments with parts that do not overlap never share a unit. */
export function inNamespace(unit: string, name: string, range: BucketRange): boolean {
  return inRange(bucketOf(`__${name}`, unit, 1), range);
}

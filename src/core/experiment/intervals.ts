// Always-valid intervals: with probability 1 − α they cover the truth at every look at once, so that looking after every batch of requests, and
// stopping when one likes what one sees, is allowed.

import { logGamma } from './log-gamma.ts';
import { LOGARITHMIC, PROPORTIONS } from './metrics.ts';
import { estimate, type Estimate, type Moments } from './moments.ts';

/** An interval around a mean or a difference of means. */
export interface Interval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/** The units at which means are known best for their number; other numbers cost little more. */
const TUNED_FOR_UNITS = 500;

/** The interval of an arm's mean of `metric`; of a logarithmic one its geometric mean. */
export function meanInterval(metric: string, moments: Moments, alpha: number): Interval {
  if (PROPORTIONS.has(metric)) return proportionInterval(moments, alpha);
  const { mean, variance, units } = estimate(moments);
  const interval = around(mean, variance, units, alpha);
  return LOGARITHMIC.has(metric) ? map(interval, Math.exp) : interval;
}

/**
 * The interval of `treatment − factor · control`; of a logarithmic metric that of `treatment / control − factor`.
 * Deviates: for proportions each arm's interval gets half of α, which is wider than need be but holds at every sample size.
 */
export function contrastInterval(metric: string, treatment: Moments, control: Moments, factor: number, alpha: number): Interval {
  if (PROPORTIONS.has(metric)) {
    const b = proportionInterval(treatment, alpha / 2);
    const a = proportionInterval(control, alpha / 2);
    return { estimate: b.estimate - factor * a.estimate, low: b.low - factor * a.high, high: b.high - factor * a.low };
  }
  const b = estimate(treatment);
  const a = estimate(control);
  const units = a.units + b.units;
  if (LOGARITHMIC.has(metric))
    return map(around(b.mean - a.mean, a.variance + b.variance, units, alpha), (value) => Math.exp(value) - factor);
  return around(b.mean - factor * a.mean, b.variance + factor * factor * a.variance, units, alpha);
}

function map(interval: Interval, rising: (value: number) => number): Interval {
  return { estimate: rising(interval.estimate), low: rising(interval.low), high: rising(interval.high) };
}

/**
 * A normal-mixture confidence sequence of a mean whose estimate at `units` draws has that variance. Asymptotic: it needs some draws to hold.
 * Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2021, arXiv:2103.06476, theorem 2.2 and, for ρ, appendix B.2
 */
function around(mean: number, variance: number, units: number, alpha: number): Interval {
  const evidence = -2 * Math.log(alpha);
  const scale = (units * (evidence + Math.log(evidence) + 1)) / TUNED_FOR_UNITS;
  const radius = Math.sqrt((variance * (scale + 1) * (Math.log(scale + 1) + evidence)) / scale);
  return Number.isFinite(radius)
    ? { estimate: mean, low: mean - radius, high: mean + radius }
    : { estimate: mean, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
}

/**
 * Robbins' mixture for a proportion: those p under which the successes so far are not 1/α times less likely than under a Beta(½, ½) mixture of
 * all p. Exact for independent requests; where those of a unit are alike, counts are divided by the design effect first.
 * Source: Robbins 1970, Ann. Math. Stat. 41(5); Ville's inequality. Rao and Scott 1981 for the effective counts
 */
function proportionInterval(moments: Moments, alpha: number): Interval {
  const whole = estimate(moments);
  const effect = designEffect(whole);
  const hits = Math.max(0, moments.x / effect);
  const misses = Math.max(0, (moments.n - moments.x) / effect);
  const total = hits + misses;
  if (total === 0) return { estimate: Number.NaN, low: 0, high: 1 };
  const mixture = logGamma(hits + 0.5) + logGamma(misses + 0.5) - logGamma(total + 1) - Math.log(Math.PI);
  const times = (count: number, value: number): number => (count === 0 ? 0 : count * Math.log(value));
  const excluded = (p: number): boolean => mixture - times(hits, p) - times(misses, 1 - p) >= -Math.log(alpha);
  const peak = hits / total;
  return {
    estimate: peak,
    low: excluded(0) ? bisect(0, peak, (p) => !excluded(p)) : 0,
    high: excluded(1) ? bisect(1, peak, (p) => !excluded(p)) : 1,
  };
}

/** How many times the variance of a proportion exceeds that of as many independent requests; at least 1. */
function designEffect({ units, n, mean, variance }: Estimate): number {
  const naive = (mean * (1 - mean)) / n;
  if (units < 2) return Math.max(1, n);
  return naive > 0 ? Math.max(1, variance / naive) : 1;
}

/** The boundary between `from`, where `inside` fails, and `to`, where it holds; to 50 halvings, on the side of `from`. */
function bisect(from: number, to: number, inside: (value: number) => boolean): number {
  let outer = from;
  let inner = to;
  for (let i = 0; i < 50; i++) {
    const middle = (outer + inner) / 2;
    if (inside(middle)) inner = middle;
    else outer = middle;
  }
  return outer;
}

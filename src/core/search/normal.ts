// The standard normal distribution, to double precision.

/** Below this the series of erf converges quickly without cancelling, above it the continued fraction does. */
const SERIES_UP_TO = 3;

/** φ(z) */
export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

/**
 * Φ(z), with a relative error near 1e-14 in the lower tail too.
 * Source: Abramowitz and Stegun 26.2.11 (series) and 26.2.14 (continued fraction)
 */
export function normalCdf(z: number): number {
  if (Number.isNaN(z)) return z;
  if (z < -SERIES_UP_TO) return normalDensity(z) * millsRatio(-z);
  if (z > SERIES_UP_TO) return 1 - normalDensity(z) * millsRatio(z);
  let term = z;
  let sum = z;
  for (let k = 1; Math.abs(term) > Number.EPSILON * 1e-3 * Math.abs(sum); k++) {
    term *= (z * z) / (2 * k + 1);
    sum += term;
  }
  return 0.5 + normalDensity(z) * sum;
}

/** (1 − Φ(z))/φ(z) = 1/(z + 1/(z + 2/(z + …))) for z > 0, evaluated from the inside. */
function millsRatio(z: number): number {
  let fraction = z;
  for (let k = 60; k >= 1; k--) fraction = z + k / fraction;
  return 1 / fraction;
}

// How far a measured share may be from the true one.
// Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".

/** Of the normal distribution, for 95 %. */
const Z = 1.959964;

/**
 * The 95 % interval of a share.
 * @param hits of `rows`; `rows` at least 1
 * @returns low and high, within [0, 1]
 */
export function wilsonInterval(hits: number, rows: number): readonly [low: number, high: number] {
  const share = hits / rows;
  const scale = 1 + (Z * Z) / rows;
  const centre = (share + (Z * Z) / (2 * rows)) / scale;
  const reach = (Z / scale) * Math.sqrt((share * (1 - share)) / rows + (Z * Z) / (4 * rows * rows));
  return [Math.max(0, centre - reach), Math.min(1, centre + reach)];
}

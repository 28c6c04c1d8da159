// The frame of every plot: an SVG that stands alone, on a ground of its own, in the reader's colour scheme.

const STYLE = `
  .ground { fill: #ffffff } text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 12px } .title { font-weight: 600 }
  .grid { stroke: #d1d9e0 } .mark { stroke: #1f2328; stroke-width: 1.5; stroke-dasharray: 5 4 } .interval { stroke: #1f2328; stroke-width: 1.5 }
  .c0 { fill: #0969da; stroke: #0969da } .c1 { fill: #b35900; stroke: #b35900 } .c2 { fill: #6e7781; stroke: #6e7781 } .c3 { fill: #1a7f37; stroke: #1a7f37 }
  polyline { fill: none !important; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } text { fill: #f0f6fc } .grid { stroke: #3d444d } .mark { stroke: #f0f6fc } .interval { stroke: #f0f6fc }
    .c0 { fill: #4493f8; stroke: #4493f8 } .c1 { fill: #f0883e; stroke: #f0883e } .c2 { fill: #9198a1; stroke: #9198a1 } .c3 { fill: #3fb950; stroke: #3fb950 }
  }`;

/** How many colours there are: classes `c0` and on. */
export const COLOURS = 4;

/** A picture of `parts`, elements of SVG. */
export function svg(width: number, height: number, label: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(label)}">
<style>${STYLE}
</style>
<rect class="ground" width="${width}" height="${height}"/>
${parts.join('\n')}
</svg>
`;
}

/** Text as XML has it, in elements and attributes. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** A coordinate. */
export function fixed(value: number): string {
  return value.toFixed(1);
}

/** Round numbers from 0 on that divide `[0, most]` into about five. */
export function roundTicks(most: number): readonly number[] {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

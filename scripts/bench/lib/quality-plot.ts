// The curve over ranks as an SVG that stands alone: score against bytes, colours by the reader's scheme.

import { KEPT, type CurveConfig, type CurvePoint } from './quality-curve.ts';
import type { CurveFigures } from './quality-study.ts';

const WIDTH = 860;
const HEIGHT = 520;
const MARGIN = { left: 64, right: 20, top: 76, bottom: 56 };
/** Below it nobody would serve a pack; points there stand on the lower edge. */
const LOWEST = 80;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .grid { stroke: #d1d9e0 } .kept { stroke: #1f2328; stroke-dasharray: 5 4 }
  .shared { stroke: #b35900; fill: #b35900 } .base { stroke: #0969da; fill: #0969da }
  polyline { fill: none !important; stroke-width: 1.5 } .budget { fill-opacity: 0; stroke-width: 2 } .energy { fill-opacity: .35 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .grid { stroke: #3d444d } .kept { stroke: #f0f6fc }
    .shared { stroke: #f0883e; fill: #f0883e } .base { stroke: #4493f8; fill: #4493f8 }
  }`;

const ABOUT = { shared: 'about the shared model (the paper)', base: 'about the base' } as const;

/** The picture. */
export function qualityPlot({ points }: CurveFigures): string {
  const across = logScale(points.map(({ extraBytes }) => extraBytes / 1e6));
  const up = (score: number): number => {
    const share = (Math.max(LOWEST, score) - LOWEST) / (101 - LOWEST);
    return HEIGHT - MARGIN.bottom - share * (HEIGHT - MARGIN.bottom - MARGIN.top);
  };
  const at = (point: CurvePoint): readonly [number, number] => [across.place(point.extraBytes / 1e6), up(point.withoutCola)];
  const grid = [
    ...across.ticks.map(
      (tick) =>
        `<line class="grid" x1="${fixed(across.place(tick))}" x2="${fixed(across.place(tick))}" y1="${MARGIN.top}" y2="${HEIGHT - MARGIN.bottom}"/>` +
        `<text x="${fixed(across.place(tick))}" y="${HEIGHT - MARGIN.bottom + 20}" text-anchor="middle">${tick}</text>`,
    ),
    ...[80, 85, 90, 95, 100].map(
      (tick) =>
        `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${fixed(up(tick))}" y2="${fixed(up(tick))}"/>` +
        `<text x="${MARGIN.left - 8}" y="${fixed(up(tick) + 4)}" text-anchor="end">${tick === LOWEST ? '≤ ' : ''}${tick}</text>`,
    ),
    `<line class="kept" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${fixed(up(KEPT))}" y2="${fixed(up(KEPT))}"/>`,
  ];
  const lines: string[] = [];
  for (const about of ['shared', 'base'] as const) {
    for (const quantize of ['int4', 'int8', 'fp16'] as const) {
      for (const rule of ['rank', 'budget'] as const) {
        const own = points.filter((point) => point.about === about && point.quantize === quantize && point.rule === rule);
        const path = own.toSorted((a, b) => a.extraBytes - b.extraBytes).map((point) => at(point).map(fixed).join(','));
        if (path.length > 1)
          lines.push(`<polyline class="${about}" points="${path.join(' ')}"${rule === 'budget' ? ' stroke-dasharray="3 3"' : ''}/>`);
      }
    }
  }
  const marks = points.map((point) => {
    const title = `${ABOUT[point.about]}, ${point.ranks}, ${point.quantize}: ${point.withoutCola.toFixed(2)} %, ${(point.extraBytes / 1e6).toFixed(2)} MB`;
    return mark(point, at(point), title);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Percent of the experts against megabytes on top of one model">
<style>${STYLE}
</style>
${legend()}
${grid.join('\n')}
<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 14}" text-anchor="middle">MB on top of one fp16 model (all eight experts, heads included)</text>
<text transform="translate(18 ${(MARGIN.top + HEIGHT - MARGIN.bottom) / 2}) rotate(-90)" text-anchor="middle">% of the experts, without CoLA, validation</text>
${lines.join('\n')}
${marks.join('\n')}
</svg>
`;
}

/** A circle for int8, a square for fp16, a triangle for int4. */
function mark(
  { about, rule, quantize }: Pick<CurveConfig, 'about' | 'rule' | 'quantize'>,
  [x, y]: readonly [number, number],
  title: string,
): string {
  const kind = `class="${about} ${rule}"`;
  const inside = `<title>${title}</title>`;
  if (quantize === 'int8') return `<circle ${kind} cx="${fixed(x)}" cy="${fixed(y)}" r="4.5">${inside}</circle>`;
  if (quantize === 'fp16') return `<rect ${kind} x="${fixed(x - 4)}" y="${fixed(y - 4)}" width="8" height="8">${inside}</rect>`;
  return `<path ${kind} d="M${fixed(x)} ${fixed(y - 5)}l5 9h-10z">${inside}</path>`;
}

function legend(): string {
  const rows: readonly (readonly [
    x: number,
    y: number,
    about: CurveConfig['about'],
    rule: CurveConfig['rule'],
    quantize: CurveConfig['quantize'],
    text: string,
  ])[] = [
    [72, 20, 'shared', 'rank', 'int8', ABOUT.shared],
    [330, 20, 'base', 'rank', 'int8', ABOUT.base],
    [500, 20, 'base', 'budget', 'int8', 'ranks from a budget'],
    [680, 20, 'base', 'energy', 'int8', 'ranks by energy'],
    [72, 44, 'base', 'rank', 'int4', 'int4'],
    [140, 44, 'base', 'rank', 'int8', 'int8'],
    [208, 44, 'base', 'rank', 'fp16', 'fp16'],
  ];
  const entries = rows.map(
    ([x, y, about, rule, quantize, text]) =>
      `${mark({ about, rule, quantize }, [x, y - 4], text)}<text x="${x + 10}" y="${y}">${text}</text>`,
  );
  return [...entries, `<text x="276" y="44">solid: flat rank 1, 2, 4, 8, 16, 32; dashed line: ${KEPT} %</text>`].join('\n');
}

/** A logarithmic scale with ticks at 1, 2 and 5 times powers of ten. */
function logScale(values: readonly number[]): { place(value: number): number; readonly ticks: readonly number[] } {
  const [low, high] = [Math.min(...values) / 1.15, Math.max(...values) * 1.15];
  const ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].filter((tick) => tick >= low && tick <= high);
  const place = (value: number): number =>
    MARGIN.left + (Math.log(value / low) / Math.log(high / low)) * (WIDTH - MARGIN.left - MARGIN.right);
  return { place, ticks };
}

function fixed(value: number): string {
  return value.toFixed(1);
}

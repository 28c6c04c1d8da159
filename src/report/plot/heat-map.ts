// A matrix of shaded cells, each with its number where there is room. Numbers keep their contrast: a shade is never more than half of its tone.

import { fixed, hint, label, PLOT_WIDTH, svgPlot, widthOf, type PlotText } from './svg.ts';

/** A cell. */
export interface HeatCell {
  readonly text: string;
  /** In [0, 1]. */
  readonly shade: number;
  /** Blue (a) or orange (b). */
  readonly tone: 'a' | 'b';
  /** Everything about it. */
  readonly hint: string;
}

/** What to plot. */
export interface HeatMap extends PlotText {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** Titles of the sides. */
  readonly rowTitle: string;
  readonly columnTitle: string;
  /** `[rows][columns]`; undefined where there is nothing. */
  readonly cells: readonly (readonly (HeatCell | undefined)[])[];
}

const WIDEST_LABEL = 156;
const WIDEST_TILTED = 90;
const CELL = { width: 36, height: 21 };
/** A tone over the page at this opacity still lets text be read. */
const DARKEST = 0.5;
const LIGHTEST = 0.04;

/** The plot as an SVG element. */
export function heatMap({ rows, columns, rowTitle, columnTitle, cells, ...text }: HeatMap): string {
  const left = Math.min(WIDEST_LABEL, Math.max(widthOf(rowTitle), ...rows.map(widthOf))) + 8;
  const even = Math.min(CELL.width, (PLOT_WIDTH - left - 1) / columns.length);
  const tilted = columns.some((name) => widthOf(name) > even - 2);
  // The last name leans out over its column.
  const lean = tilted ? Math.max(0, 0.65 * Math.min(WIDEST_TILTED, widthOf(columns[columns.length - 1])) - even / 2) : 0;
  const width = Math.min(CELL.width, (PLOT_WIDTH - left - 1 - lean) / columns.length);
  const fits = !tilted || width >= 9;
  const top = 20 + (fits ? (tilted ? 0.75 * Math.min(WIDEST_TILTED, Math.max(...columns.map(widthOf))) + 8 : 18) : 0);
  const names = columns.map((name, c) => {
    const x = left + (c + 0.5) * width;
    if (!fits) return '';
    if (!tilted) return label(x, top - 6, name, { anchor: 'middle', kind: 'muted' });
    return `<g transform="translate(${fixed(x + 2)} ${fixed(top - 5)}) rotate(-50)">${label(0, 0, name, { widest: WIDEST_TILTED })}</g>`;
  });
  const body = rows.flatMap((name, r) => [
    label(left - 8, top + r * CELL.height + 15, name, { anchor: 'end', widest: WIDEST_LABEL }),
    ...columns.map((_, c) => cellAt(cells[r][c], left + c * width, top + r * CELL.height, width)),
  ]);
  return svgPlot(text, top + rows.length * CELL.height + 2, [
    label(left - 8, top - 6, rowTitle, { anchor: 'end', kind: 'muted', widest: WIDEST_LABEL }),
    label(left, 12, columnTitle, { kind: 'muted', widest: PLOT_WIDTH - left }),
    ...names.filter((name) => name !== ''),
    ...body,
  ]);
}

function cellAt(cell: HeatCell | undefined, x: number, y: number, width: number): string {
  if (cell === undefined) return '';
  const box = `x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${CELL.height}"`;
  const { text, shade, tone, hint: title } = cell;
  const opacity = shade > 0 ? (LIGHTEST + (DARKEST - LIGHTEST) * Math.min(1, shade)).toFixed(3) : '0';
  const number = widthOf(text) <= width ? label(x + width / 2, y + 15, text, { anchor: 'middle' }) : '';
  return `<g>${hint(title)}<rect class="cell tone-${tone}" fill-opacity="${opacity}" ${box}/>${number}</g>`;
}

// The frame of every plot: an SVG element with a title and a description for those who do not see it, 360 units wide, which is what a phone
// shows at its own size. Colours are classes of the page.

import { escapeHtml } from '../escape.ts';

/** Width of every plot. */
export const PLOT_WIDTH = 360;
/** What a letter of a label takes at 12 px, on average and a little above. */
const LETTER = 7;

/** What a plot is. */
export interface PlotText {
  readonly title: string;
  /** What it shows, in a sentence. */
  readonly description: string;
}

/** The SVG element of a plot. */
export function svgPlot({ title, description }: PlotText, height: number, body: readonly string[]): string {
  return `<svg viewBox="0 0 ${PLOT_WIDTH} ${fixed(height)}" role="img"><title>${escapeHtml(title)}</title><desc>${escapeHtml(description)}</desc>
${body.join('\n')}
</svg>`;
}

/** A label with its baseline at y; long ones end in an ellipsis. */
export function label(
  x: number,
  y: number,
  text: string,
  {
    anchor = 'start',
    kind,
    widest = PLOT_WIDTH,
  }: { readonly anchor?: 'start' | 'middle' | 'end'; readonly kind?: string; readonly widest?: number } = {},
): string {
  const letters = Array.from(text);
  const room = Math.max(1, Math.floor(widest / LETTER));
  const shown = letters.length <= room ? text : `${letters.slice(0, room - 1).join('')}…`;
  return `<text x="${fixed(x)}" y="${fixed(y)}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}${kind === undefined ? '' : ` class="${kind}"`}>${escapeHtml(shown)}</text>`;
}

/** About how wide a label is. */
export function widthOf(text: string): number {
  return Array.from(text).length * LETTER;
}

/** A title that browsers show beside the pointer. */
export function hint(text: string): string {
  return `<title>${escapeHtml(text)}</title>`;
}

/** A coordinate. */
export function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

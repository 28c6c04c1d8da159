// Both forms of a report say every number of it, escaped.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Block, Report } from '../../src/report/document.ts';
import { escapeHtml } from '../../src/report/escape.ts';
import { toHtml } from '../../src/report/html.ts';
import { toMarkdown } from '../../src/report/markdown.ts';

const cell = fc.string({ maxLength: 30 });
const table = fc
  .tuple(fc.array(cell, { minLength: 1, maxLength: 4 }), fc.array(fc.array(cell, { minLength: 4, maxLength: 4 }), { maxLength: 4 }))
  .map(([head, rows]): Block => ({ kind: 'table', head, rows: rows.map((row) => row.slice(0, head.length)) }));
const report = fc
  .tuple(cell, fc.array(fc.tuple(cell, fc.array(table, { maxLength: 2 })), { maxLength: 3 }))
  .map(([title, sections]): Report => ({ title, sections: sections.map(([name, blocks]) => ({ title: name, blocks })) }));

function cellsOf({ sections }: Report): string[] {
  return sections.flatMap(({ blocks }) => blocks.flatMap((block) => (block.kind === 'table' ? block.rows.flat() : [])));
}

test('every cell is in both forms, and neither markup nor a column comes from one', () => {
  fc.assert(
    fc.property(report, (given) => {
      const [page, text] = [toHtml(given), toMarkdown(given)];
      expect([toHtml(given), toMarkdown(given)]).toEqual([page, text]);
      const elements = [...page.matchAll(/<t[dh](?: [^>]*)?>([^<]*)<\/t[dh]>/g)].map(([, content]) => content);
      const shown = cellsOf(given);
      for (const value of shown) expect(elements).toContain(escapeHtml(value));
      for (const value of shown) expect(text).toContain(` ${value.replaceAll(/[\r\n]+/g, ' ').replaceAll('|', String.raw`\|`)} |`);
    }),
    { seed: 1, numRuns: 100 },
  );
});

describe('HTML', () => {
  const page = toHtml({
    title: 'a < b',
    sections: [
      {
        title: 'All & more',
        blocks: [
          { kind: 'text', text: 'see `inspect <pack>`' },
          { kind: 'table', fold: 'as a table', head: ['name', 'rows'], rows: [['x', '1']] },
          { kind: 'figures', figures: [{ svg: '<svg></svg>', caption: '"quoted"' }] },
        ],
      },
    ],
  });

  test('needs no script and nothing from elsewhere, and follows the reader’s scheme', () => {
    expect(page).not.toMatch(/<script|https?:|url\(|@import| on\w+=/);
    expect(page).toContain('@media (prefers-color-scheme: dark)');
    expect(page).toContain('width=device-width');
  });

  test('heads of columns and rows have a scope, and what scrolls can be reached by keyboard', () => {
    expect(page).toContain('<th scope="col">name</th><th scope="col" class="number">rows</th>');
    expect(page).toContain('<th scope="row">x</th><td class="number">1</td>');
    expect(page).toContain('<div class="scroll" tabindex="0">');
  });

  test('escapes what it is given', () => {
    expect(page).toContain('<title>a &lt; b</title>');
    expect(page).toContain('<p>see <code>inspect &lt;pack&gt;</code></p>');
    expect(page).toContain('<figcaption>&quot;quoted&quot;</figcaption>');
  });

  test('its colours have a contrast of at least 4.5 on the page, in both schemes, and under the strongest shade of a cell', () => {
    const schemes = [...page.matchAll(/--paper: (#\w+); --ink: (#\w+); --muted: (#\w+); --rule: #\w+; --a: (#\w+); --b: (#\w+);/g)];
    expect(schemes).toHaveLength(2);
    for (const [, paper, ink, muted, a, b] of schemes) {
      for (const colour of [ink, muted, a, b]) expect(contrast(rgb(colour), rgb(paper))).toBeGreaterThanOrEqual(4.5);
      for (const tone of [a, b]) {
        const cellColour = rgb(tone).map((value, i) => 0.5 * value + 0.5 * rgb(paper)[i]);
        expect(contrast(rgb(ink), cellColour)).toBeGreaterThanOrEqual(4.5);
      }
    }
  });
});

function rgb(colour: string): number[] {
  const digits = colour.slice(1);
  const parts = digits.length === 3 ? Array.from(digits, (digit) => digit + digit) : (digits.match(/../g) ?? []);
  return parts.map((part) => Number.parseInt(part, 16));
}

/** Source: WCAG 2.2, contrast ratio. */
function contrast(first: readonly number[], second: readonly number[]): number {
  const luminance = (colour: readonly number[]): number =>
    colour
      .map((value) => value / 255)
      .reduce(
        (sum, value, i) => sum + [0.2126, 0.7152, 0.0722][i] * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4),
        0,
      );
  const [low, high] = [luminance(first), luminance(second)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

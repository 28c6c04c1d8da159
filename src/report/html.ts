// A report as one HTML file: no script and nothing to load, both colour schemes, readable on a phone. Plots take their colours from the
// page's variables, so that they follow the reader's scheme.

import type { Block, Figure, Report, Table } from './document.ts';
import { escapeHtml } from './escape.ts';

/**
 * Blue and orange differ for every kind of colour vision, and each plot tells its marks apart by shape too. All texts have a contrast of at
 * least 4.5 to what is behind them.
 */
const STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --paper: #fff; --ink: #1b1c1f; --muted: #585b63; --rule: #d9dbe0; --a: #0b57d0; --b: #a8480b; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181d; --ink: #e8e9ec; --muted: #aeb2bb; --rule: #3a3e47; --a: #8ab4f8; --b: #f5a55c; } }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; background: var(--paper); color: var(--ink); overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0.5rem; }
p { max-width: 44rem; }
.scroll { overflow-x: auto; margin: 0.75rem 0; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; white-space: nowrap; }
th { font-weight: 600; }
tbody th { font-weight: 400; }
.number { text-align: right; }
.long { white-space: normal; min-width: 12rem; overflow-wrap: anywhere; }
.facts td { white-space: normal; min-width: 0; overflow-wrap: anywhere; }
code { font-size: 0.9em; }
thead th:first-child, tbody th { position: sticky; left: 0; background: var(--paper); }
@media (max-width: 40rem) { tbody th { white-space: normal; overflow-wrap: anywhere; min-width: 5.5rem; max-width: 40vw; } }
summary { cursor: pointer; color: var(--a); padding: 0.25rem 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20.5rem), 1fr)); gap: 1.5rem 2rem; margin: 1rem 0; }
figure { margin: 0; }
figcaption { font-size: 0.875rem; color: var(--muted); margin-bottom: 0.4rem; }
svg { display: block; width: 100%; height: auto; max-width: 24rem; }
svg text { fill: var(--ink); font-size: 12px; }
svg .muted { fill: var(--muted); }
.grid { stroke: var(--rule); fill: none; }
.line { stroke: var(--a); fill: none; stroke-width: 1.5; }
.guide { stroke: var(--muted); fill: none; stroke-dasharray: 4 3; }
.bar, .front, .routed { fill: var(--a); }
.dominated { fill: var(--paper); stroke: var(--muted); stroke-opacity: 0.7; }
.outside { fill: var(--paper); stroke: var(--b); }
.oracle { fill: none; stroke: var(--b); stroke-width: 1.75; }
.shared { fill: var(--muted); }
.base { fill: none; stroke: var(--muted); stroke-width: 1.5; }
.tone-a { fill: var(--a); }
.tone-b { fill: var(--b); }
.cell { stroke: var(--rule); stroke-width: 0.75; }`;

/** A cell longer than this may break, so that one sentence does not make a table endless. */
const LONG_CELL = 40;

/** The report as HTML. */
export function toHtml({ title, sections }: Report): string {
  const body = sections.map(
    (section) => `<section><h2>${escapeHtml(section.title)}</h2>\n${section.blocks.map(blockHtml).join('\n')}\n</section>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title>
<style>
${STYLE}
</style></head><body><main><h1>${escapeHtml(title)}</h1>
${body.join('\n')}
</main></body></html>
`;
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'text':
      return `<p>${escapeHtml(block.text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')}</p>`;
    case 'figures':
      return `<div class="figures">${block.figures.map(figureHtml).join('\n')}</div>`;
    case 'table':
      return block.fold === undefined
        ? tableHtml(block)
        : `<details><summary>${escapeHtml(block.fold)}</summary>${tableHtml(block)}</details>`;
  }
}

function figureHtml({ svg, caption }: Figure): string {
  return `<figure><figcaption>${escapeHtml(caption)}</figcaption>${svg}</figure>`;
}

function tableHtml({ head, rows, textColumns = [0] }: Table): string {
  const cell = (value: string, column: number): string => {
    const kind = textColumns.includes(column) ? (value.length > LONG_CELL ? ' class="long"' : '') : ' class="number"';
    return column === 0 ? `<th scope="row"${kind}>${escapeHtml(value)}</th>` : `<td${kind}>${escapeHtml(value)}</td>`;
  };
  const titles = head.map(
    (value, column) => `<th scope="col"${textColumns.includes(column) ? '' : ' class="number"'}>${escapeHtml(value)}</th>`,
  );
  const lines = rows.map((values) => `<tr>${values.map(cell).join('')}</tr>`);
  const isFacts = head.every((value) => value === '');
  const top = isFacts ? '' : `<thead><tr>${titles.join('')}</tr></thead>`;
  // A region that scrolls has to be reachable by keyboard.
  return `<div class="scroll" tabindex="0"><table${isFacts ? ' class="facts"' : ''}>${top}<tbody>\n${lines.join('\n')}\n</tbody></table></div>`;
}

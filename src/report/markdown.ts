// A report as markdown: sentences and tables.

import type { Block, Report, Table } from './document.ts';

/** The report as markdown. */
export function toMarkdown({ title, sections }: Report): string {
  const parts = sections.flatMap((section) => [`## ${section.title}`, ...section.blocks.flatMap(blockText)]);
  return [`# ${title}`, ...parts].join('\n\n') + '\n';
}

function blockText(block: Block): string[] {
  if (block.kind === 'text') return [block.text];
  return block.kind === 'table' ? [tableText(block)] : [];
}

function tableText({ head, rows, textColumns = [0] }: Table): string {
  return [row(head), row(head.map((_, column) => (textColumns.includes(column) ? '---' : '---:'))), ...rows.map(row)].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll(/[\r\n]+/g, ' ').replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}

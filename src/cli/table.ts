// Plain tables for terminals: columns padded to their widest cell, measured in characters as people see them.

/** Rows under a head, with a line between; cells are cut at 60 characters. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cut(cell)));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => width(row[column] ?? ''))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell + ' '.repeat(widths[column] - width(cell)))
      .join('  ')
      .trimEnd();
  return [line(cells[0]), widths.map((size) => '─'.repeat(size)).join('  '), ...cells.slice(1).map(line)].join('\n');
}

const MAX_CELL = 60;

function cut(cell: string): string {
  const characters = charactersOf(cell.replaceAll(/\s+/g, ' '));
  return characters.length <= MAX_CELL ? characters.join('') : `${characters.slice(0, MAX_CELL - 1).join('')}…`;
}

function width(cell: string): number {
  return charactersOf(cell).length;
}

const SEGMENTER = new Intl.Segmenter();

/** Characters as people count them: a letter with its accent, an emoji with its skin. */
function charactersOf(text: string): string[] {
  return Array.from(SEGMENTER.segment(text), ({ segment }) => segment);
}

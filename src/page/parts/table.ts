// Tables with a caption. On a narrow screen a row becomes a block and each cell says its column; the roles stay those of a table.

import { h, type Child } from '../dom/element.ts';

/** One column. */
export interface Column<T> {
  readonly name: string;
  readonly cell: (row: T) => Child;
  /** Numbers are set flush right, in digits of one width. */
  readonly numeric?: boolean;
}

/** What a table is made of; the first column heads its row. */
export interface TableParts<T> {
  readonly caption: string;
  /** For people who see the table's heading anyway. */
  readonly captionHidden?: boolean;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
}

/** The table. */
export function table<T>({ caption, captionHidden = false, columns, rows }: TableParts<T>): HTMLElement {
  return h(
    'table',
    { role: 'table', class: 'table' },
    h('caption', captionHidden ? { class: 'hidden' } : {}, caption),
    h(
      'thead',
      { role: 'rowgroup' },
      h(
        'tr',
        { role: 'row' },
        ...columns.map(({ name, numeric }) => h('th', { role: 'columnheader', scope: 'col', class: numeric === true && 'number' }, name)),
      ),
    ),
    h(
      'tbody',
      { role: 'rowgroup' },
      ...rows.map((row) => h('tr', { role: 'row' }, ...columns.map((column, i) => cellOf(column, row, i === 0)))),
    ),
  );
}

function cellOf<T>({ name, cell, numeric }: Column<T>, row: T, isHead: boolean): HTMLElement {
  const content = cell(row);
  const attributes = { 'data-column': name, class: numeric === true && 'number' };
  return isHead ? h('th', { ...attributes, role: 'rowheader', scope: 'row' }, content) : h('td', { ...attributes, role: 'cell' }, content);
}

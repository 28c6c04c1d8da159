// What people read, before it is markdown or HTML: sections of sentences, tables and figures. Both forms are spelled from the same values,
// so they cannot differ. A figure shows what a table beside it says, and only HTML has it.

/** A table. Cells are plain text; the first one of a row names it. */
export interface Table {
  readonly kind: 'table';
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of text; the others are numbers, and line up at the right. The first alone by default. */
  readonly textColumns?: readonly number[];
  /** In HTML the table opens under this line. */
  readonly fold?: string;
}

/** A picture with a line over it. */
export interface Figure {
  /** An `svg` element, its colours those of the page's classes. */
  readonly svg: string;
  readonly caption: string;
}

/** A part of a section. */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'figures'; readonly figures: readonly Figure[] }
  | Table;

/** Blocks under a heading. */
export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** A report. */
export interface Report {
  readonly title: string;
  readonly sections: readonly Section[];
}

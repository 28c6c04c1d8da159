// JSON Lines that users bring: examples for the router, data for evaluation. One value a line; blank lines are skipped.

import type * as z from 'zod/mini';
import { TwinrouteError } from '../core/errors.ts';
import { parseJsonWith } from '../contract/parse.ts';

/** Twice the longest text that a request may have, so that a pair fits; stops a file without line ends. */
const MAX_LINE_CHARS = 4 << 20;
/** Rows are held in memory. */
const MAX_ROWS = 10_000_000;

/**
 * The values of a JSONL text, in order.
 * @param title the file's name, for messages
 * @throws {TwinrouteError} `format` naming the file and the line, counted from 1
 */
export function parseJsonl<T extends z.core.$ZodType>(schema: T, text: string, title: string): z.core.output<T>[] {
  const rows: z.core.output<T>[] = [];
  let line = 0;
  for (let start = 0; start < text.length;) {
    line++;
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    if (end - start > MAX_LINE_CHARS)
      throw new TwinrouteError('format', `${title}:${line}: expected at most ${MAX_LINE_CHARS} characters, got ${end - start}`);
    // A byte order mark is no part of the first value.
    const value = text.slice(line === 1 && text.charCodeAt(0) === 0xfeff ? 1 : start, end).trim();
    if (value !== '') rows.push(parseJsonWith(schema, value, `${title}:${line}`, 'format'));
    if (rows.length > MAX_ROWS) throw new TwinrouteError('format', `${title}:${line}: expected at most ${MAX_ROWS} rows, got more`);
    start = end + 1;
  }
  return rows;
}

// Counts in a query string.

import type { Context } from 'hono';
import { QueryCount } from '../../contract/accounts.ts';
import { parseWith } from '../../contract/parse.ts';

/**
 * The count of that name, or undefined where the query has none.
 * @throws {TwinrouteError} `invalid_request` for what is no count
 */
export function queryCount(c: Context, name: string): number | undefined {
  const text = c.req.query(name);
  return text === undefined ? undefined : parseWith(QueryCount, text, name, 'invalid_request');
}

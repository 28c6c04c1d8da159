// Parsing at the boundary: one way to hold an unknown value against a schema and to say what was wrong.

import * as z from 'zod/mini';
import { TwinrouteError, type ErrorCode } from '../core/errors.ts';

/**
 * The value as the schema's output.
 * @param title what the value is, for the message, e.g. `manifest.json`
 * @param code the error's code when it does not fit
 * @throws {TwinrouteError} `code` with the path of the first mismatch in `param` and up to three mismatches in the message
 */
export function parseWith<T extends z.core.$ZodType>(schema: T, value: unknown, title: string, code: ErrorCode): z.core.output<T> {
  const result = z.safeParse(schema, value, { error: z.locales.en().localeError });
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, 3).map((issue) => `${pathOf(issue.path) || '(whole)'}: ${issue.message}`);
  throw new TwinrouteError(code, `${title}: ${issues.join('; ')}`, { param: pathOf(result.error.issues[0]?.path ?? []) });
}

/**
 * The JSON text as the schema's output.
 * @throws {TwinrouteError} `code` when it is not JSON or does not fit
 */
export function parseJsonWith<T extends z.core.$ZodType>(schema: T, text: string, title: string, code: ErrorCode): z.core.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TwinrouteError(code, `${title}: expected JSON, got text that does not parse`, { cause });
  }
  return parseWith(schema, value, title, code);
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`)).join('');
}

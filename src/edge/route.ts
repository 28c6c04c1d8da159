// A route: what it does, and how it is described.

import type { Handler } from 'hono';
import type { ApiOperation } from './openapi/operation.ts';
import type { EdgeTypes } from './types.ts';

/** One route. */
export interface Route extends ApiOperation {
  readonly handler: Handler<EdgeTypes>;
}

/** `/a/{b}` as hono writes it. */
export function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** Which methods, in capitals, each path takes. */
export function methodsByPath(routes: readonly Pick<Route, 'path' | 'method'>[]): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>();
  for (const { path, method } of routes) methods.set(path, [...(methods.get(path) ?? []), method.toUpperCase()]);
  return methods;
}

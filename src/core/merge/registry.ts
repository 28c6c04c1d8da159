// The static merge methods by name. A new method is a file and a row here.

import { TwinrouteError } from '../errors.ts';
import type { StaticMethod } from './method.ts';
import { linear, taskArithmetic } from './task-arithmetic.ts';

/** Every static method, in the order in which documents list them. */
export const STATIC_METHODS: readonly StaticMethod[] = [taskArithmetic, linear];

/**
 * The method of a name.
 * @throws {TwinrouteError} `config` listing the known names
 */
export function staticMethod(name: string): StaticMethod {
  const method = STATIC_METHODS.find((row) => row.name === name);
  if (method !== undefined) return method;
  const known = STATIC_METHODS.map((row) => row.name).join(', ');
  throw new TwinrouteError('config', `merge method: expected one of ${known}, got ${JSON.stringify(name)}`, { param: 'shared' });
}

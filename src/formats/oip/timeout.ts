// Triton's request parameter `timeout`: microseconds after which no answer is wanted.

import type { OipParameters } from '../../contract/oip.ts';
import { TwinrouteError } from '../../core/errors.ts';

/**
 * What the parameters allow, in milliseconds; undefined without the parameter, or at 0.
 * @throws {TwinrouteError} `invalid_request` when it is not a whole number of at least 0
 */
export function timeoutMs(parameters: OipParameters | undefined): number | undefined {
  const microseconds = parameters?.['timeout'];
  if (microseconds === undefined || microseconds === 0) return undefined;
  if (typeof microseconds === 'number' && Number.isSafeInteger(microseconds) && microseconds > 0) return microseconds / 1000;
  throw new TwinrouteError('invalid_request', `parameters.timeout: expected whole microseconds, got ${String(microseconds).slice(0, 20)}`, {
    param: 'timeout',
  });
}

// Waiting for an account, but not for ever.

import { TwinrouteError } from '../../core/errors.ts';
import { within as withinTime } from '../within.ts';

/**
 * What `work` resolves to.
 * @throws {TwinrouteError} `unavailable` when it takes longer or fails; either way it may have taken effect
 */
export async function within<T>(work: Promise<T> | T, limitMs: number, what: string): Promise<T> {
  try {
    return await withinTime(work, limitMs, () => new Error(`no answer in ${limitMs} ms`));
  } catch (cause) {
    throw new TwinrouteError('unavailable', `${what}: expected an answer, got none`, { retryAfterSeconds: 1, cause });
  }
}

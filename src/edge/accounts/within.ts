// Waiting for an account, but not for ever.

import { TwinrouteError } from '../../core/errors.ts';

/**
 * What `work` resolves to.
 * @throws {TwinrouteError} `unavailable` when it takes longer or fails; either way it may have taken effect
 */
export async function within<T>(work: Promise<T> | T, limitMs: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } catch (cause) {
    throw new TwinrouteError('unavailable', `${what}: expected an answer, got none`, { retryAfterSeconds: 1, cause });
  } finally {
    clearTimeout(timer);
  }
}

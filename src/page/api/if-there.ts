// For parts of the interface that a deployment may lack.

import { ApiError } from './api-error.ts';

/** What was asked for, or undefined where the edge has no such thing. */
export async function ifThere<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.failure.code === 'not_found') return undefined;
    throw thrown;
  }
}

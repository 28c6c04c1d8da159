// When to come again, as whole seconds of a header.

/** A longer hint would only keep callers away from a server that has recovered. */
const MOST_SECONDS = 60;

/** At least a second, and at most a minute. */
export function retryAfter(seconds: number): number {
  return Math.min(Math.max(Math.ceil(seconds), 1), MOST_SECONDS);
}

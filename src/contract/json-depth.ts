// Nesting of a JSON text, counted before it is parsed: eight megabytes of `[` are cheap to send and dear to hold.

import { TwinrouteError } from '../core/errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Does nothing when brackets nest at most `limit` deep outside of strings.
 * @throws {TwinrouteError} `invalid_request` otherwise
 * Cost: O(length), no allocation
 */
export function checkJsonDepth(text: string, limit: number): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (inString) {
      if (unit === BACKSLASH) i++;
      else if (unit === QUOTE) inString = false;
    } else if (unit === QUOTE) inString = true;
    else if (unit === 0x5b || unit === 0x7b) {
      depth += 1; // [ {
      if (depth > limit) throw new TwinrouteError('invalid_request', `body: expected JSON nested at most ${limit} deep`);
    } else if (unit === 0x5d || unit === 0x7d) depth -= 1; // ] }
  }
}

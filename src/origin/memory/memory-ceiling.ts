// How much memory this process may take, as far as the machine says.

import { totalmem } from 'node:os';
import { memoryUsage, constrainedMemory } from 'node:process';

/** What is left to others and to what no measurement sees in time. */
const SHARE = 0.9;

/** Nine tenths of the limit that the process's cgroup sets, or of the machine's memory where that is less or there is none. Bytes. */
export function defaultCeiling(): number {
  const limit = constrainedMemory();
  const total = totalmem();
  // 0, or a number beyond all memory, where nothing is limited.
  return Math.floor(SHARE * (limit > 0 && limit < total ? limit : total));
}

/** Resident bytes of this process. */
export function residentBytes(): number {
  return memoryUsage.rss();
}

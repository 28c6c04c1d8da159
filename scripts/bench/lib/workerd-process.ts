// The process of workerd that this one started, as /proc shows it.

import { readdirSync, readFileSync } from 'node:fs';

/** Ids of this process's children `workerd`, oldest first; none where there is no /proc. */
export function workerdPids(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        const status = readStatus(Number(pid));
        return /^Name:\s+workerd$/m.test(status) && Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]) === process.pid;
      })
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

/** Resident bytes of this process's child `workerd`; undefined where there is no /proc. */
export function workerdRssBytes(): number | undefined {
  return workerdPids().map(rssBytes).find(Number.isFinite);
}

/** Resident bytes of a process; NaN where there is no /proc, or no such process. */
export function rssBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readStatus(pid))?.[1]) * 1024;
}

/** Empty for a process that ended meanwhile. */
function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

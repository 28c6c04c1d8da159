// Preloaded (`node --import`) into a measured program: at its end it writes what the process used to the file that USAGE_FILE names.

import { readFileSync, writeFileSync } from 'node:fs';

/** What a process used in its whole life. */
export interface Usage {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly peakRssBytes: number;
}

/** Peak of this program's own memory. `maxRSS` would also count its parent's from before the exec (Linux), so /proc goes first. */
function peakRssBytes(): number {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (peak !== undefined) return Number(peak) * 1024;
  } catch {
    // no /proc on this platform
  }
  return process.resourceUsage().maxRSS * 1024;
}

process.on('exit', () => {
  const file = process.env['USAGE_FILE'];
  if (file === undefined) return;
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  const usage: Usage = { userSeconds: userCPUTime / 1e6, systemSeconds: systemCPUTime / 1e6, peakRssBytes: peakRssBytes() };
  writeFileSync(file, JSON.stringify(usage));
});

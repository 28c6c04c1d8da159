// Progress on stderr: one bar that is redrawn on a terminal, a plain line at the start and the end of each stage otherwise.

import type { Progress } from '../core/progress.ts';

const BAR_CELLS = 24;
/** Redraws a second at most; drawing each of a thousand tensors would cost more than merging small ones. */
const REDRAW_MS = 100;

/** The part of a stream that the bar needs. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * A progress listener that draws on `stream`.
 * @param now milliseconds, monotonic
 */
export function drawProgress(stream: ProgressStream, now: () => number): Progress {
  let stage = '';
  let startedAt = 0;
  let drawnAt = -REDRAW_MS;
  return ({ stage: name, done, total, note }) => {
    const at = now();
    const finished = done >= total;
    if (name !== stage) {
      stage = name;
      startedAt = at;
      drawnAt = -REDRAW_MS;
      if (stream.isTTY !== true && !finished) stream.write(`${name} …\n`);
    }
    const seconds = ((at - startedAt) / 1000).toFixed(1);
    if (stream.isTTY !== true) {
      if (finished) stream.write(`${name}: done, ${total} in ${seconds} s\n`);
      return;
    }
    if (!finished && at - drawnAt < REDRAW_MS) return;
    drawnAt = at;
    const cells = total === 0 ? BAR_CELLS : Math.round((BAR_CELLS * done) / total);
    const bar = '█'.repeat(cells) + '░'.repeat(BAR_CELLS - cells);
    stream.write(`\r\u001b[2K${name.padEnd(14)} ${bar} ${done}/${total} ${seconds} s ${note ?? ''}${finished ? '\n' : ''}`);
  };
}

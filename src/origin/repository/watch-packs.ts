// When packs are looked at again: on SIGHUP, and every so often where the operator wants that.

import type { Repository } from './repository.ts';

/** When to look. */
export interface WatchPacksOptions {
  /** 0 is never. */
  readonly everyMs: number;
  /** Calls back at each SIGHUP; returns how to end that. */
  readonly onHangup: (listener: () => void) => () => void;
  readonly log: (line: string) => void;
}

/** Starts to look; the returned function ends it. */
export function watchPacks({ refresh }: Pick<Repository, 'refresh'>, { everyMs, onHangup, log }: WatchPacksOptions): () => void {
  let timer: NodeJS.Timeout | undefined;
  const later = (): void => {
    // From end to start: a slow load is not followed by a crowd of looks.
    timer = setTimeout(() => void refresh().then(() => timer !== undefined && later()), everyMs);
    timer.unref();
  };
  if (everyMs > 0) later();
  const end = onHangup(() => {
    log('origin: looks for changed packs');
    void refresh();
  });
  return () => {
    clearTimeout(timer);
    timer = undefined;
    end();
  };
}

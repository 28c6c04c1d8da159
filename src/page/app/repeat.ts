// Doing something again and again, but not while nobody looks.

/**
 * Runs `work` now, and again `everyMs` after it has ended, until aborted. While the page is hidden it waits, and runs as soon as it is seen.
 * @param work must not throw
 * @returns runs it at once, out of turn
 */
export function repeat(work: () => Promise<void>, everyMs: number | undefined, signal: AbortSignal): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  const run = (): void => {
    if (running || signal.aborted) return;
    running = true;
    clearTimeout(timer);
    void work().finally(() => {
      running = false;
      if (everyMs !== undefined && !document.hidden && !signal.aborted) timer = setTimeout(run, everyMs);
    });
  };
  const seen = (): void => {
    clearTimeout(timer);
    if (!document.hidden && everyMs !== undefined) run();
  };
  document.addEventListener('visibilitychange', seen, { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  run();
  return run;
}

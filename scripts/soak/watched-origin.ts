// `twinroute origin` in a process of its own that tells each second how it is.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { parseWith } from '../../src/contract/parse.ts';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';

/** The process at one moment; `tell-memory.ts` sends it. */
export const OriginSample = z.object({
  /** Milliseconds; of whatever clock the reader has. */
  at: z.number(),
  rss: z.number(),
  /** What the runtime's own accounts hold: JavaScript objects and the buffers behind them. */
  heap: z.number(),
  buffers: z.number(),
  /** Longest time that the event loop was held up in the second before, milliseconds. */
  delayMs: z.number(),
  /** Open sockets, timers and the like. */
  handles: z.number(),
});
export type OriginSample = z.infer<typeof OriginSample>;

/** The running origin. */
export interface WatchedOrigin {
  readonly url: string;
  onSample(take: (sample: OriginSample) => void): void;
  /** Promotions that it logged, and mixes that it could not merge. */
  promotions(): { readonly made: number; readonly failed: number };
  close(): Promise<void>;
}

/**
 * Starts it on a free port.
 * @throws {Error} with what it printed, when it ends before it listens
 */
export async function startWatchedOrigin(pack: string, options: readonly string[]): Promise<WatchedOrigin> {
  const child = fork(join(PACKAGE_ROOT, 'src/cli/bin.ts'), ['origin', pack, '--port', '0', '--threads', '1', ...options], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--import', join(import.meta.dirname, 'tell-memory.ts')],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const ended = once(child, 'exit');
  let output = '';
  let made = 0;
  let failed = 0;
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-10_000);
        made += text.match(/has weights of its own/g)?.length ?? 0;
        failed += text.match(/could not be merged/g)?.length ?? 0;
        const found = /origin at (http:\/\/\S+)/.exec(output);
        if (found !== null) resolve(found[1]);
      });
    child.once('exit', (code) => reject(new Error(`soak: expected the origin to go on, got its end with ${code}: ${output}`)));
  });
  return {
    url,
    onSample: (take) => void child.on('message', (message) => take(parseWith(OriginSample, message, 'sample', 'internal'))),
    promotions: () => ({ made, failed }),
    async close() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

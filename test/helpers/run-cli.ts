// A command line with captured streams.

import { main } from '../../src/cli/main.ts';

/** Runs `twinroute …args`; a verb that serves is told to stop as soon as it is up. */
export async function runCli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await main(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: {},
    stopped: () => Promise.resolve(),
  });
  return { code, out, err };
}

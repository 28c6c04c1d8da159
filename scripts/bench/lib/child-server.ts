// Servers in processes of their own, so that they compete for the machine as they would in life, and their CPU time can be told apart.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A server in a child process. */
export interface ChildServer {
  readonly pid: number;
  readonly url: string;
  close(): Promise<void>;
}

/** Longest start, milliseconds. */
const START_MS = 30_000;

/**
 * Starts `node ARGS` and waits until its stdout has an address.
 * @param address finds it; its first group, or the whole match
 * @throws {Error} with what the program wrote, when it ends first
 */
export async function startChildServer(args: readonly string[], env: NodeJS.ProcessEnv, address: RegExp): Promise<ChildServer> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`child server: expected an address in time, got ${output.slice(-2000)}`)), START_MS);
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = address.exec(output);
      if (found === null) return;
      clearTimeout(late);
      resolve(found[1] ?? found[0]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`child server: expected it to serve, got exit code ${code}: ${output.slice(-2000)}`)));
  });
  return {
    pid: child.pid ?? 0,
    url,
    async close() {
      child.kill();
      await ended;
    },
  };
}

/** CPU seconds that a process has used, user and system together; NaN where there is no /proc. Resolution: 10 ms. */
export function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

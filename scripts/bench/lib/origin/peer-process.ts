// A peer in a process of its own, that reads rows from stdin and tells what they took on stdout, a line of JSON each.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { LoopFigures } from './closed-loop.ts';

/** A row as it is sent; `expert` is an index. */
export interface PeerRow {
  readonly ids: readonly number[];
  readonly types: readonly number[];
  readonly expert: number;
}

/** What is asked. */
export interface PeerTask {
  readonly rows: readonly PeerRow[];
  readonly inFlight: number;
  /** Passed on to peers that serve in several ways. */
  readonly way?: string;
}

/** A peer. */
export interface PeerProcess {
  measure(task: PeerTask): Promise<LoopFigures>;
  close(): Promise<void>;
}

/** Starts it; its first line says that it is ready. @throws {Error} when it ends instead */
export async function startPeer(command: string, args: readonly string[]): Promise<PeerProcess> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, HF_HUB_OFFLINE: '1' } });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done !== true) return line.value;
    throw new Error(`${command} ${args.join(' ')}: expected an answer, got its end`);
  };
  await next();
  return {
    async measure(task) {
      child.stdin.write(`${JSON.stringify(task)}\n`);
      const figures: LoopFigures = JSON.parse(await next());
      return figures;
    },
    async close() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}

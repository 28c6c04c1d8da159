// `twinroute` as a process of its own.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** A running program. */
export interface Program {
  readonly process: ChildProcess;
  /** What it printed so far. */
  readonly output: () => string;
  /** Resolves once the output matches; rejects when the program ends before. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

/** Starts `twinroute …args`. */
export function start(...args: string[]): Program {
  return startWith({}, ...args);
}

/** Starts `twinroute …args` with further environment variables. */
export function startWith(env: Readonly<Record<string, string>>, ...args: string[]): Program {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/cli/bin.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = once(child, 'exit').then(([code]: unknown[]) => (typeof code === 'number' ? code : null));
  return {
    process: child,
    output: () => output,
    ended,
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output);
          if (match === null) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
        void ended.then((code) => reject(new Error(`ended with ${code} before ${String(pattern)}: ${output}`)));
      }),
  };
}

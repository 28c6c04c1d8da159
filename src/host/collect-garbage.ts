// Garbage collection on demand. The engine collects when its own heap has grown; tensors lie outside of it, and a server that has just let go of a
// model wants their memory back now, not after the next one has come on top.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** Collects this thread's garbage, and gives what lay behind it back to the system. Cost: the thread stands still for tens of milliseconds */
export function collectGarbage(): void {
  collect ??= findCollector();
  collect();
}

function findCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  return typeof found === 'function' ? () => void found() : () => undefined;
}

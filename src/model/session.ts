// What a compiled graph looks like to the code that uses it, whichever onnxruntime runs it.

import type { Tensor } from '../core/tensor.ts';

/** A loaded ONNX graph. */
export interface Session {
  /** Runs the graph once; outputs by name, in fresh tensors. */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  /** Frees what the runtime holds. */
  release(): Promise<void>;
}

/** Compiles ONNX model bytes into a session. */
export type CreateSession = (model: Uint8Array) => Promise<Session>;

/** Frees all of them. */
export async function releaseAll(sessions: readonly Session[]): Promise<void> {
  await Promise.all(sessions.map((session) => session.release()));
}

// The thread of session-thread.ts: owns sessions and runs them one after another, which is what onnxruntime-node does with any thread that asks it.

import { parentPort } from 'node:worker_threads';
import { isTwinrouteError, messageOf, TwinrouteError } from '../core/errors.ts';
import type { Session } from '../model/session.ts';
import { collectGarbage } from './collect-garbage.ts';
import { createNodeSession } from './ort-session.ts';
import type { SessionAnswer, SessionRequest, SessionTask } from './session-messages.ts';

const sessions = new Map<number, Session>();
let created = 0;

async function work(id: number, task: SessionTask): Promise<SessionAnswer> {
  switch (task.kind) {
    case 'create':
      sessions.set(++created, await createNodeSession(task.model, task.options));
      // The bytes of a model are garbage now, and as large as what was made of them.
      setImmediate(collectGarbage);
      return { id, created };
    case 'run':
      return { id, outputs: await sessionOf(task.session).run(task.feeds) };
    case 'release':
      await sessionOf(task.session).release();
      sessions.delete(task.session);
      return { id, released: true };
  }
}

function sessionOf(number: number): Session {
  const session = sessions.get(number);
  if (session !== undefined) return session;
  throw new TwinrouteError('internal', `session thread: expected an open session, got number ${number}`);
}

async function answer({ id, task }: SessionRequest): Promise<void> {
  const done = await work(id, task).catch((error: unknown): SessionAnswer => ({
    id,
    failed: { code: isTwinrouteError(error) ? error.code : 'internal', message: messageOf(error) },
  }));
  // Outputs are fresh: they change hands instead of being copied.
  const moved = 'outputs' in done ? Object.values(done.outputs).map(({ data }) => data.buffer) : [];
  parentPort?.postMessage(
    done,
    moved.filter((buffer) => buffer instanceof ArrayBuffer),
  );
}

parentPort?.on('message', (request: SessionRequest) => void answer(request));

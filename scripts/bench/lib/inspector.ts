// A session with an isolate of workerd through its inspector (Chrome DevTools protocol), attached for as long as it is asked something.

import * as z from 'zod/mini';
import { parseWith } from '../../../src/contract/parse.ts';

const Targets = z.array(z.looseObject({ id: z.string(), webSocketDebuggerUrl: z.string() }));
const Message = z.looseObject({
  id: z.optional(z.number()),
  method: z.optional(z.string()),
  params: z.optional(z.unknown()),
  result: z.optional(z.unknown()),
  error: z.optional(z.unknown()),
});
const ContextCreated = z.looseObject({ context: z.looseObject({ id: z.number() }) });

/** A session with one target. */
export interface InspectorSession {
  send(method: string, params?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Id of the Worker's context; known after `Runtime.enable`. */
  readonly context: Promise<number>;
  close(): void;
}

/**
 * A session with an isolate.
 * @param inspector address of workerd's inspector
 * @param isolate its id: the service's name, behind `core:user:` under miniflare
 */
export async function inspect(inspector: URL, isolate: string): Promise<InspectorSession> {
  const targets = parseWith(Targets, await (await fetch(new URL('/json', `http://${inspector.host}`))).json(), 'inspector', 'upstream');
  const target = targets.find(({ id }) => id === isolate);
  if (target === undefined) throw new Error(`inspect: expected ${isolate}, got ${targets.map(({ id }) => id).join(', ')}`);
  return attach(target.webSocketDebuggerUrl);
}

async function attach(url: string): Promise<InspectorSession> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const context = Promise.withResolvers<number>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params, result, error } = parseWith(Message, JSON.parse(String(data)), 'inspector', 'upstream');
    if (method === 'Runtime.executionContextCreated') context.resolve(parseWith(ContextCreated, params, method, 'upstream').context.id);
    if (id === undefined) return;
    if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(`inspector: ${JSON.stringify(error)}`));
  });
  return {
    send(method, params = {}) {
      const id = ++last;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(id, answer);
      socket.send(JSON.stringify({ id, method, params }));
      return answer.promise;
    },
    context: context.promise,
    close: () => socket.close(),
  };
}

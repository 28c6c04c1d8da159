// What an isolate of workerd holds, asked through its inspector (Chrome DevTools protocol), and what the process around it does.

import { readdirSync, readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { parseWith } from '../../../src/contract/parse.ts';

/** Bytes that an isolate holds. */
export interface IsolateMemory {
  /** JavaScript objects, garbage that was not collected yet included: workerd's inspector does not collect on demand. */
  readonly heapUsed: number;
  /** The pages of that heap. */
  readonly heapTotal: number;
  /** Array buffers. */
  readonly buffers: number;
  /** Linear memories of WebAssembly, which V8 counts in none of the above. */
  readonly wasm: number;
}

const Targets = z.array(z.looseObject({ id: z.string(), webSocketDebuggerUrl: z.string() }));
const Message = z.looseObject({
  id: z.optional(z.number()),
  method: z.optional(z.string()),
  params: z.optional(z.unknown()),
  result: z.optional(z.unknown()),
  error: z.optional(z.unknown()),
});
const HeapUsage = z.looseObject({ usedSize: z.number(), totalSize: z.number(), backingStorageSize: z.number() });
const ContextCreated = z.looseObject({ context: z.looseObject({ id: z.number() }) });
const RemoteObject = z.looseObject({ result: z.looseObject({ objectId: z.string() }) });
const QueriedObjects = z.looseObject({ objects: z.looseObject({ objectId: z.string() }) });
const ReturnedNumber = z.looseObject({ result: z.looseObject({ value: z.number() }) });

/**
 * Memory of the isolate of worker `name`. The inspector is attached for this long only.
 * @param inspector address of workerd's inspector
 */
export async function isolateMemory(inspector: URL, name: string): Promise<IsolateMemory> {
  const targets = parseWith(Targets, await (await fetch(new URL('/json', `http://${inspector.host}`))).json(), 'inspector', 'upstream');
  const target = targets.find(({ id }) => id === `core:user:${name}`);
  if (target === undefined) throw new Error(`isolateMemory: expected worker ${name}, got ${targets.map(({ id }) => id).join(', ')}`);
  const session = await attach(target.webSocketDebuggerUrl);
  try {
    const heap = parseWith(HeapUsage, await session.send('Runtime.getHeapUsage'), 'getHeapUsage', 'upstream');
    await session.send('Runtime.enable');
    const contextId = await session.context;
    const prototype = parseWith(
      RemoteObject,
      await session.send('Runtime.evaluate', { contextId, expression: 'WebAssembly.Memory.prototype' }),
      'evaluate',
      'upstream',
    );
    const memories = parseWith(
      QueriedObjects,
      await session.send('Runtime.queryObjects', { prototypeObjectId: prototype.result.objectId }),
      'queryObjects',
      'upstream',
    );
    const sum = await session.send('Runtime.callFunctionOn', {
      objectId: memories.objects.objectId,
      functionDeclaration: 'function () { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0); }',
      returnByValue: true,
    });
    const wasm = parseWith(ReturnedNumber, sum, 'callFunctionOn', 'upstream').result.value;
    return { heapUsed: heap.usedSize, heapTotal: heap.totalSize, buffers: heap.backingStorageSize, wasm };
  } finally {
    session.close();
  }
}

/** A session with one target. */
interface InspectorSession {
  send(method: string, params?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Id of the Worker's context; known after `Runtime.enable`. */
  readonly context: Promise<number>;
  close(): void;
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

/** Resident bytes of this process's child `workerd`; undefined where there is no /proc. */
export function workerdRssBytes(): number | undefined {
  try {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const status = readStatus(pid);
      if (!/^Name:\s+workerd$/m.test(status) || Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]) !== process.pid) continue;
      const rss = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
      if (rss !== undefined) return Number(rss) * 1024;
    }
  } catch {
    // no /proc on this platform
  }
  return undefined;
}

/** Empty for a process that ended meanwhile. */
function readStatus(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

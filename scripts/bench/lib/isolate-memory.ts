// What an isolate of workerd holds, asked through its inspector.

import * as z from 'zod/mini';
import { parseWith } from '../../../src/contract/parse.ts';
import { inspect } from './inspector.ts';

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

const HeapUsage = z.looseObject({ usedSize: z.number(), totalSize: z.number(), backingStorageSize: z.number() });
const RemoteObject = z.looseObject({ result: z.looseObject({ objectId: z.string() }) });
const QueriedObjects = z.looseObject({ objects: z.looseObject({ objectId: z.string() }) });
const ReturnedNumber = z.looseObject({ result: z.looseObject({ value: z.number() }) });

/**
 * Memory of the isolate of worker `name`. The inspector is attached for this long only.
 * @param inspector address of workerd's inspector
 */
export async function isolateMemory(inspector: URL, name: string): Promise<IsolateMemory> {
  const session = await inspect(inspector, `core:user:${name}`);
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

// Tensors that wait on disk. A safetensors header stands before data whose sizes (ranks chosen by energy) are only known at the end, and
// the factors of many experts outgrow memory: so tensors go to a spool as they are made and are streamed behind the header afterwards.

import { open, rm } from 'node:fs/promises';
import { TwinrouteError } from '../core/errors.ts';
import type { PlannedTensor, TensorProducer } from '../formats/safetensors-writer.ts';

/** Tensors on disk: written once in any order, read back one at a time. */
export interface Spool {
  /**
   * Appends a tensor for the file `group`.
   * @param data raw little-endian elements; may be reused after the promise resolves
   */
  add(group: string, tensor: PlannedTensor, data: ArrayBufferView): Promise<void>;
  /** What was added to a group, as the safetensors writer wants it. */
  producers(group: string): readonly TensorProducer[];
  close(): Promise<void>;
}

/** Hands `use` a spool at `path`, which must not exist yet and is gone afterwards, however the work ends. */
export async function withSpool<T>(path: string, use: (spool: Spool) => Promise<T>): Promise<T> {
  const spool = await createSpool(path);
  try {
    return await use(spool);
  } finally {
    await spool.close();
    await rm(path, { force: true });
  }
}

async function createSpool(path: string): Promise<Spool> {
  const handle = await open(path, 'wx+');
  const groups = new Map<string, TensorProducer[]>();
  let end = 0;

  async function readBack(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw new TwinrouteError('internal', `${path}: expected ${length} bytes at ${offset}, got ${done}`);
      done += bytesRead;
    }
    return bytes;
  }

  return {
    async add(group, tensor, data) {
      const offset = end;
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      end += bytes.length;
      for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      const producers = groups.get(group) ?? [];
      producers.push({ ...tensor, data: () => readBack(offset, bytes.length) });
      groups.set(group, producers);
    },
    producers: (group) => groups.get(group) ?? [],
    close: () => handle.close(),
  };
}

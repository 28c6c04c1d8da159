import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hashBytes } from '../../src/formats/hash.ts';
import { createSha256 } from '../../src/host/files.ts';
import { startHashThread } from '../../src/host/hash-thread.ts';

test('hashes files like this thread, says when one is not there, and goes on', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'twinroute-hash-'));
  const thread = startHashThread();
  try {
    const bytes = new Uint8Array((4 << 20) + 17).map((_, i) => i % 251);
    await writeFile(join(dir, 'large'), bytes);
    await writeFile(join(dir, 'empty'), '');
    expect(await thread.hash(join(dir, 'large'))).toBe(hashBytes(bytes, createSha256));
    await expect(thread.hash(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'not_found' });
    expect(await thread.hash(join(dir, 'empty'))).toBe(hashBytes(new Uint8Array(), createSha256));
  } finally {
    await thread.close();
    await rm(dir, { recursive: true, force: true });
  }
});

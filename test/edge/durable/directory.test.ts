import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';

test('a directory lists accounts in pages, keeps them when it is evicted, and takes a repeated one once', async () => {
  const directory = env.DIRECTORY.getByName('lists');
  const entries = ['c', 'a', 'b'].map((id, createdMs) => ({ id, name: `account ${id}`, createdMs }));
  for (const entry of [...entries, { id: 'a', name: 'another', createdMs: 9 }]) await directory.add(entry);
  await evictDurableObject(directory);
  const [c, a, b] = entries;
  expect(await directory.list('', 2)).toEqual([a, b]);
  expect(await directory.list('b', 2)).toEqual([c]);
});

import { expect, test } from 'vitest';
import { createCredentialStore } from '../../../src/page/app/credentials.ts';

/** As much of a tab's storage as is used. */
function createStorage(): Storage & { readonly values: ReadonlyMap<string, string> } {
  const values = new Map<string, string>();
  return {
    values,
    get length() {
      return values.size;
    },
    clear: () => values.clear(),
    key: (i) => [...values.keys()][i] ?? null,
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => void values.set(name, value),
    removeItem: (name) => void values.delete(name),
  };
}

test('the key goes to /v1, the root secret to the admin API, and neither anywhere else', () => {
  const storage = createStorage();
  const store = createCredentialStore(storage);
  expect(store.forPath('/v1/predict')).toBeUndefined();
  store.write({ key: ' tr_a_b ', secret: 's3cret' });
  expect(store.forPath('/v1/predict')).toBe('tr_a_b');
  expect(store.forPath('/admin/v1/accounts')).toBe('s3cret');
  store.write({ key: '', secret: 's3cret' });
  expect(store.forPath('/v1/predict')).toBeUndefined();
  store.write({ key: '', secret: '' });
  expect(storage.values.size).toBe(0);
});

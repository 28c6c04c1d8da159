// Keys of accounts, of the admin API.

import type { z } from 'zod/mini';
import { KeyRotation, NewKey, type KeyRecord } from '../../contract/accounts.ts';
import type { IssuedKeyAnswer, KeyAnswer, KeysAnswer } from '../../contract/admin.ts';
import { parseWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { KEY_BYTES, keyText } from '../../core/keys/key-text.ts';
import { readJson } from '../read-json.ts';
import type { Route } from '../route.ts';
import { sha256Hex } from '../sha256.ts';
import { accountOf, noKey, randomText, type AdminDeps } from './admin-context.ts';
import { noAccount } from './audit.ts';

/** These routes. */
export function adminKeyRoutes({ accounts }: AdminDeps): readonly Route[] {
  return [
    {
      method: 'post',
      path: '/admin/v1/accounts/{account}/keys',
      access: 'root',
      summary: 'Issues a key; its text is shown this once',
      request: 'NewKey',
      answer: 'IssuedKeyAnswer',
      status: [201],
      errors: ['not_found'],
      async handler(c) {
        const given = parseWith(NewKey, await readJson(c.req.raw), 'body', 'invalid_request');
        const account = accountOf(c);
        const id = account + randomText(KEY_BYTES.key);
        const key = keyText(id, randomText(KEY_BYTES.secret));
        const record = await accounts.accounts.getByName(account).addKey(id, await sha256Hex(key), given);
        if (record === 'absent') throw noAccount();
        if (record === 'full')
          throw new TwinrouteError('invalid_request', 'keys: expected room for another key, got an account that has too many');
        return c.json({ ...shown(record), key } satisfies z.infer<typeof IssuedKeyAnswer>, 201);
      },
    },
    {
      method: 'get',
      path: '/admin/v1/accounts/{account}/keys',
      access: 'root',
      summary: 'Lists the keys of an account, oldest first',
      answer: 'KeysAnswer',
      errors: ['not_found'],
      async handler(c) {
        const keys = await accounts.accounts.getByName(accountOf(c)).keys();
        if (keys === undefined) throw noAccount();
        return c.json({ keys: keys.map(shown) } satisfies z.infer<typeof KeysAnswer>);
      },
    },
    {
      method: 'delete',
      path: '/admin/v1/accounts/{account}/keys/{key}',
      access: 'root',
      summary: 'Ends a key at once and for good',
      answer: 'KeyAnswer',
      errors: ['not_found'],
      async handler(c) {
        const record = await accounts.accounts.getByName(accountOf(c)).revokeKey(c.req.param('key') ?? '');
        if (record === undefined) throw noKey();
        return c.json(shown(record));
      },
    },
    {
      method: 'post',
      path: '/admin/v1/accounts/{account}/keys/{key}/rotate',
      access: 'root',
      summary: 'Gives a key a new secret; the one before stays good for a while',
      request: 'KeyRotation',
      answer: 'IssuedKeyAnswer',
      errors: ['not_found'],
      async handler(c) {
        const { overlap_seconds: overlap } = parseWith(KeyRotation, await readJson(c.req.raw), 'body', 'invalid_request');
        const id = c.req.param('key') ?? '';
        const key = keyText(id, randomText(KEY_BYTES.secret));
        const record = await accounts.accounts.getByName(accountOf(c)).rotateKey(id, await sha256Hex(key), overlap * 1000);
        if (record === undefined) throw noKey();
        return c.json({ ...shown(record), key } satisfies z.infer<typeof IssuedKeyAnswer>);
      },
    },
  ];
}

/** A key's record without the hashes of its secrets. */
function shown({ secrets, ...record }: KeyRecord): z.infer<typeof KeyAnswer> {
  const [newest, old] = secrets;
  return { ...record, ...(newest !== undefined && old?.until_ms !== undefined && { old_secret_until_ms: old.until_ms }) };
}

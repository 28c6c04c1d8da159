// A key for `twinroute dev` itself, where the edge has accounts: made through the admin API like any other, on an account of its own with play money.

import * as z from 'zod/mini';
import { parseWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';

const NAME = 'twinroute dev';
/** A thousand units of the price list's currency, once. */
const CREDIT = { id: 'twinroute-dev', micros: 1e9 };

const AccountList = z.object({ accounts: z.array(z.object({ id: z.string(), name: z.string() })) });
const Account = z.object({ id: z.string() });
const KeyList = z.object({ keys: z.array(z.object({ id: z.string(), name: z.string(), revoked_ms: z.optional(z.number()) })) });
const IssuedKey = z.object({ key: z.string() });

/**
 * A good key: a new secret for the one that an earlier run left in the edge's state, else a new key.
 * @throws {TwinrouteError} `upstream` when the edge refuses
 */
export async function devKey(url: string, adminSecret: string): Promise<string> {
  const ask = async <T extends z.core.$ZodType>(schema: T, path: string, body?: object): Promise<z.core.output<T>> => {
    const response = await fetch(`${url}/admin/v1/${path}`, {
      headers: { authorization: `Bearer ${adminSecret}`, 'content-type': 'application/json' },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (!response.ok)
      throw new TwinrouteError('upstream', `admin API: expected to be let in, got status ${response.status}: ${JSON.stringify(answer)}`);
    return parseWith(schema, answer, 'admin API', 'upstream');
  };
  const { accounts } = await ask(AccountList, 'accounts');
  const { id } = accounts.find(({ name }) => name === NAME) ?? (await ask(Account, 'accounts', { name: NAME }));
  await ask(z.unknown(), `accounts/${id}/credits`, CREDIT);
  const { keys } = await ask(KeyList, `accounts/${id}/keys`);
  const left = keys.find(({ name, revoked_ms: revokedMs }) => name === NAME && revokedMs === undefined);
  const scopes = ['predict', 'route', 'feedback', 'admin-read'];
  const issued =
    left === undefined
      ? await ask(IssuedKey, `accounts/${id}/keys`, { name: NAME, scopes })
      : await ask(IssuedKey, `accounts/${id}/keys/${left.id}/rotate`, { overlap_seconds: 0 });
  return issued.key;
}

// What routes of the admin API read of their requests.

import type { Context } from 'hono';
import type { Endpoint } from '../../contract/endpoint.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { isAccountId, textOf } from '../../core/keys/key-text.ts';
import type { SigningContext } from '../../formats/signing/request-signature.ts';
import { noAccount } from './audit.ts';
import type { Accounts } from './port.ts';

/** What the admin API needs. */
export interface AdminDeps {
  readonly accounts: Accounts;
  /** Milliseconds. */
  readonly now: () => number;
  readonly endpoints: readonly Endpoint[];
  readonly fetch: typeof fetch;
  readonly signing: SigningContext | undefined;
  readonly newId: () => string;
}

/** The account that the path names. @throws {TwinrouteError} `not_found` for what is no id of an account */
export function accountOf(c: Context): string {
  const id = c.req.param('account') ?? '';
  if (isAccountId(id)) return id;
  throw noAccount();
}

/** The account that the query names, if any. @throws {TwinrouteError} `not_found` for what is no id of an account */
export function namedAccount(c: Context): string | undefined {
  const named = c.req.query('account');
  if (named === undefined || isAccountId(named)) return named;
  throw noAccount();
}

/** The refusal of an id that names no key. */
export function noKey(): TwinrouteError {
  return new TwinrouteError('not_found', 'key: expected the id of a key that is not revoked, got another', { param: 'key' });
}

/** Random bytes as text. */
export function randomText(bytes: number): string {
  return textOf(crypto.getRandomValues(new Uint8Array(bytes)));
}

// Who is asking. Whatever is wrong with a key, the answer is the same; a key that reads as one is always hashed and always asked of its account,
// whether that exists or not, so neither the answer nor the way to it tells which ids there are.
//
// A good key is remembered in this isolate for CACHE_MS: a key that was revoked can be used that much longer for what costs nothing. What is
// metered asks the account again when it reserves, so there a revocation holds at once.

import type { MiddlewareHandler } from 'hono';
import type { Scope, Tenant } from '../../contract/tenant.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { parseKeyText } from '../../core/keys/key-text.ts';
import { sha256Hex } from '../sha256.ts';
import type { EdgeTypes } from '../types.ts';
import { chargeAccount } from './charge-account.ts';
import type { Metering } from './port.ts';
import { unauthorized } from './refusal.ts';
import { rootSecret } from './root-secret.ts';
import { within } from './within.ts';

const CACHE_MS = 10_000;
/** Tenants that an isolate remembers. */
const CACHE_SIZE = 10_000;
/** Longest wait for an account. */
const ACCOUNT_MS = 5_000;

/** Who may use a route: everybody, anybody with a key, keys with a scope, or the operator by the root secret. */
export type Access = 'public' | 'key' | Scope | 'root';

/** What authenticating needs. */
export interface AuthenticateDeps {
  /** Undefined lets everybody in. */
  readonly accounts: (Metering & { readonly adminSecret: string }) | undefined;
  readonly report: (thrown: unknown, requestId: string) => TwinrouteError;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Middleware by access: sets the variables `tenant` and `charge`. All of them share what they remember. */
export function createAuthenticate({ accounts, now, report }: AuthenticateDeps): (access: Access) => MiddlewareHandler<EdgeTypes> {
  const remembered = new Map<string, { readonly tenant: Tenant; readonly untilMs: number }>();

  async function tenantOf(account: string, key: string, sha256: string): Promise<Tenant | undefined> {
    const known = remembered.get(sha256);
    if (known !== undefined && now() < known.untilMs) return known.tenant;
    const tenant = await within(accounts?.calls(account).authenticate({ key, sha256 }), ACCOUNT_MS, 'account');
    remembered.delete(sha256);
    if (tenant === undefined) return undefined;
    for (const oldest of remembered.keys()) {
      if (remembered.size < CACHE_SIZE) break;
      remembered.delete(oldest);
    }
    remembered.set(sha256, { tenant, untilMs: now() + CACHE_MS });
    return tenant;
  }

  return (access) => {
    if (access === 'root') return rootSecret(accounts?.adminSecret);
    return async function authenticateMiddleware(c, next) {
      if (accounts === undefined || access === 'public') return next();
      const text = /^Bearer ([^ ]{1,200})$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
      const parsed = parseKeyText(text);
      const sha256 = await sha256Hex(text);
      const tenant = parsed && (await tenantOf(parsed.account, parsed.id, sha256));
      if (tenant === undefined) throw unauthorized();
      if (access !== 'key' && !tenant.scopes.includes(access))
        throw new TwinrouteError('forbidden', `key: expected one with the scope ${access}, got ${tenant.scopes.join(', ')}`);
      c.set('tenant', tenant);
      c.set('charge', chargeAccount({ accounts, report }, tenant, { key: tenant.key, sha256 }));
      return next();
    };
  };
}

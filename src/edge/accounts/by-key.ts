// Callers with a key. Whatever is wrong with it, the answer is the same; a key that reads as one is always hashed and always asked of its account,
// whether that exists or not, so neither the answer nor the way to it tells which ids there are.
//
// A good key is remembered in this isolate for CACHE_MS: a key that was revoked can be used that much longer for what costs nothing. What is
// metered asks the account again when it reserves, so there a revocation holds at once.

import type { Tenant } from '../../contract/tenant.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { parseKeyText } from '../../core/keys/key-text.ts';
import { sha256Hex } from '../sha256.ts';
import type { Identify } from './authenticate.ts';
import { chargeAccount } from './charge-account.ts';
import { createHeadStarts } from './head-starts.ts';
import { unauthorized } from './refusal.ts';
import type { ChargeAccountDeps } from './reserve.ts';
import { within } from './within.ts';

const CACHE_MS = 10_000;
/** Tenants that an isolate remembers. */
const CACHE_SIZE = 10_000;
/** Longest wait for an account. */
const ACCOUNT_MS = 5_000;

/** What telling keys takes. */
export interface ByKeyDeps extends Omit<ChargeAccountDeps, 'headStarts'> {
  /** Milliseconds. */
  readonly now: () => number;
}

/** Tells whose key a request came with, and charges its account. It refuses requests without one. */
export function byKey(deps: ByKeyDeps): Identify {
  const { accounts, now } = deps;
  const paying = { ...deps, headStarts: createHeadStarts() };
  const remembered = new Map<string, { readonly tenant: Tenant; readonly untilMs: number }>();

  async function tenantOf(account: string, key: string, sha256: string): Promise<Tenant | undefined> {
    const known = remembered.get(sha256);
    if (known !== undefined && now() < known.untilMs) return known.tenant;
    const tenant = await within(accounts.calls(account).authenticate({ key, sha256 }), ACCOUNT_MS, 'account');
    remembered.delete(sha256);
    if (tenant === undefined) return undefined;
    for (const oldest of remembered.keys()) {
      if (remembered.size < CACHE_SIZE) break;
      remembered.delete(oldest);
    }
    remembered.set(sha256, { tenant, untilMs: now() + CACHE_MS });
    return tenant;
  }

  return async (c, access) => {
    const text = /^Bearer ([^ ]{1,200})$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    const parsed = parseKeyText(text);
    const sha256 = await sha256Hex(text);
    const tenant = parsed && (await tenantOf(parsed.account, parsed.id, sha256));
    if (tenant === undefined) throw unauthorized();
    if (access !== 'key' && !tenant.scopes.includes(access))
      throw new TwinrouteError('forbidden', `key: expected one with the scope ${access}, got ${tenant.scopes.join(', ')}`);
    return { tenant, charge: chargeAccount(paying, tenant, { key: tenant.key, sha256 }) };
  };
}

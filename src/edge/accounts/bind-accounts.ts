// Accounts from what the deployment binds.

import { PriceList } from '../../contract/price-list.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { EdgeEnv } from '../env.ts';
import { groupCalls, type GroupDeps } from './group-calls.ts';
import type { Accounts } from './port.ts';

/** Shortest root secret: 128 bits in hex. */
const SECRET_CHARS = 32;

/**
 * The accounts; undefined without a root secret: such an edge takes requests without keys and charges nothing.
 * @throws {TwinrouteError} `unavailable` for a secret that is too short, a missing binding, or prices that do not fit: never open by mistake
 */
export function bindAccounts(
  env: EdgeEnv,
  deps: Pick<GroupDeps, 'now' | 'keepAlive'> = { now: Date.now, keepAlive: () => undefined },
): Accounts | undefined {
  const { ADMIN_SECRET: adminSecret, ACCOUNTS, USAGE_LOGS, DIRECTORY, USAGE, PRICES } = env;
  if (adminSecret === undefined) return undefined;
  if (adminSecret.length < SECRET_CHARS)
    throw new TwinrouteError('unavailable', `ADMIN_SECRET: expected at least ${SECRET_CHARS} characters, got ${adminSecret.length}`);
  if (ACCOUNTS === undefined || USAGE_LOGS === undefined || DIRECTORY === undefined || USAGE === undefined)
    throw new TwinrouteError('unavailable', 'env: expected ACCOUNTS, USAGE_LOGS, DIRECTORY and USAGE beside ADMIN_SECRET, got less');
  const grouped = groupCalls({ ...deps, send: (account, calls) => ACCOUNTS.getByName(account).callAll(calls) });
  return {
    adminSecret,
    accounts: ACCOUNTS,
    logs: USAGE_LOGS,
    directory: DIRECTORY,
    calls: (account) => ({ ...grouped(account), authenticate: (proof) => ACCOUNTS.getByName(account).authenticate(proof) }),
    prices: parseJsonWith(PriceList, PRICES ?? '{}', 'PRICES', 'unavailable'),
    send: (message) => USAGE.send(message),
  };
}

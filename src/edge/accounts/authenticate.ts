// Who is asking, and how the request is paid for. A deployment has a list of ways to tell, and the first that a request came by decides.

import type { Context, MiddlewareHandler } from 'hono';
import type { Scope, Tenant } from '../../contract/tenant.ts';
import type { EdgeTypes } from '../types.ts';
import type { Charge } from './charged.ts';
import { rootSecret } from './root-secret.ts';

/** Who may use a route: everybody, anybody with a key, keys with a scope, or the operator by the root secret. */
export type Access = 'public' | 'key' | Scope | 'root';

/** A caller. */
export interface Caller {
  readonly tenant: Tenant | undefined;
  readonly charge: Charge;
}

/**
 * One way to tell a caller; undefined for a request that did not come by it.
 * @throws {TwinrouteError} for one that did, and may not pass
 */
export type Identify = (c: Context<EdgeTypes>, access: Exclude<Access, 'public' | 'root'>) => Promise<Caller | undefined>;

/**
 * Middleware by access: sets the variables `tenant` and `charge`.
 * @param ways in the order in which they are tried; a request that came by none is free, and its caller is nobody
 * @param adminSecret the root secret; undefined where nobody has it
 */
export function createAuthenticate(
  ways: readonly Identify[],
  adminSecret: string | undefined,
): (access: Access) => MiddlewareHandler<EdgeTypes> {
  return (access) => {
    if (access === 'root') return rootSecret(adminSecret);
    return async function authenticateMiddleware(c, next) {
      if (access === 'public') return next();
      for (const identify of ways) {
        const caller = await identify(c, access);
        if (caller === undefined) continue;
        c.set('tenant', caller.tenant);
        c.set('charge', caller.charge);
        break;
      }
      return next();
    };
  };
}

// The admin API under /admin/v1: accounts, keys, credit, exports and reconciliation, behind the root secret.

import type { Route } from '../route.ts';
import { adminAccountRoutes } from './admin-accounts.ts';
import { adminAuditRoutes } from './admin-audit.ts';
import type { AdminDeps } from './admin-context.ts';
import { adminKeyRoutes } from './admin-keys.ts';

/** All of its routes. */
export function adminRoutes(deps: AdminDeps): readonly Route[] {
  return [...adminAccountRoutes(deps), ...adminKeyRoutes(deps), ...adminAuditRoutes(deps)];
}

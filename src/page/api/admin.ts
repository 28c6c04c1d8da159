// Answers of the admin API, as far as this page reads them.

import * as z from 'zod/mini';
import { SpendLimit } from '../../contract/accounts.ts';
import { Scope } from '../../contract/tenant.ts';

/** `GET /admin/v1/accounts`. */
export const AccountList = z.object({ accounts: z.array(z.object({ id: z.string(), name: z.string(), created_ms: z.number() })) });
export type AccountList = z.infer<typeof AccountList>;

/** `POST /admin/v1/accounts`. */
export const CreatedAccount = z.object({ id: z.string(), name: z.string() });

/** `GET /admin/v1/accounts/{account}`. */
export const AccountDetail = z.object({
  id: z.string(),
  name: z.string(),
  created_ms: z.number(),
  balance_micros: z.number(),
  held_micros: z.number(),
  currency: z.string(),
  spend_limit: z.optional(SpendLimit),
});
export type AccountDetail = z.infer<typeof AccountDetail>;

/** A key as the admin API shows it. */
export const ShownKey = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(Scope),
  created_ms: z.number(),
  expires_ms: z.optional(z.number()),
  revoked_ms: z.optional(z.number()),
  old_secret_until_ms: z.optional(z.number()),
  requests_per_minute: z.optional(z.number()),
  spend_limit: z.optional(SpendLimit),
  experts: z.optional(z.array(z.string())),
  configs: z.optional(z.array(z.string())),
});
export type ShownKey = z.infer<typeof ShownKey>;

/** `GET …/keys`. */
export const KeyList = z.object({ keys: z.array(ShownKey) });

/** `POST …/keys` and `POST …/rotate`: the only time that the secret is seen. */
export const IssuedKey = z.extend(ShownKey, { key: z.string() });
export type IssuedKey = z.infer<typeof IssuedKey>;

/** `POST …/credits`. */
export const Credited = z.object({ id: z.string(), added: z.boolean(), balance_micros: z.number() });

/** `GET /admin/v1/reconcile`. */
export const Reconciliation = z.object({
  accounts: z.number(),
  findings: z.array(
    z.looseObject({
      account: z.string(),
      kind: z.string(),
      seq: z.optional(z.number()),
      expected: z.optional(z.number()),
      got: z.optional(z.number()),
    }),
  ),
});
export type Reconciliation = z.infer<typeof Reconciliation>;

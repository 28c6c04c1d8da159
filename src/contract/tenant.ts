// Who is asking: an account's key, as far as the edge has to know it.

import * as z from 'zod/mini';
import { ConfigId, Name } from './names.ts';

/** What a key may be used for. */
export const SCOPES = ['predict', 'route', 'feedback', 'admin-read'] as const;

/** One scope. */
export const Scope = z.enum(SCOPES);
export type Scope = z.infer<typeof Scope>;

/** The holder of a key that was found good. */
export const Tenant = z.strictObject({
  /** The account's id. */
  account: z.string(),
  /** The key's id; never its secret. */
  key: z.string(),
  scopes: z.array(Scope),
  /** Experts that may answer; every one when absent. */
  experts: z.optional(z.array(Name)),
  /** Configs that may answer; every one when absent. */
  configs: z.optional(z.array(ConfigId)),
});
export type Tenant = z.infer<typeof Tenant>;

// Accounts and keys: what is kept of them, and the bodies of the admin API.

import * as z from 'zod/mini';
import { MAX_MICROS } from '../core/ledger/money.ts';
import { ConfigId, Count, Name } from './names.ts';
import { Scope } from './tenant.ts';

/** An amount in micro-units. */
const Micros = z.int().check(z.minimum(0), z.maximum(MAX_MICROS));

/** Milliseconds since 1970, up to the year 2286. */
const Instant = z.int().check(z.minimum(0), z.maximum(1e13 - 1));

/** Free text that people give things to tell them apart. */
const Label = z.string().check(z.minLength(1), z.maxLength(200));

/** Most that may be spent in a calendar period (UTC). */
export const SpendLimit = z.strictObject({ micros: Micros, period: z.enum(['day', 'month', 'ever']) });

/** Body of `POST /admin/v1/accounts`. */
export const NewAccount = z.strictObject({
  name: Label,
  spend_limit: z.optional(SpendLimit),
  /** The customer's id at Stripe, for the export of meter events. */
  stripe_customer: z.optional(z.string().check(z.regex(/^[\w-]{1,100}$/))),
});
export type NewAccount = z.infer<typeof NewAccount>;

/** Body of `PATCH /admin/v1/accounts/{account}`: null takes the limit away. */
export const AccountChange = z.strictObject({ spend_limit: z.nullable(SpendLimit) });

/** An account as it is kept. */
export const AccountRecord = z.extend(NewAccount, { id: z.string(), created_ms: Instant });
export type AccountRecord = z.infer<typeof AccountRecord>;

/** Body of `POST /admin/v1/accounts/{account}/keys`. */
export const NewKey = z.strictObject({
  name: Label,
  scopes: z._default(z.array(Scope).check(z.minLength(1)), ['predict', 'route', 'feedback']),
  /** No longer good from this moment. */
  expires_ms: z.optional(Instant),
  /** Requests in each calendar minute, counted exactly; refused ones and repeated answers do not count. */
  requests_per_minute: z.optional(z.int().check(z.minimum(1), z.maximum(10_000_000))),
  spend_limit: z.optional(SpendLimit),
  /** Experts that may answer; every one when absent. */
  experts: z.optional(z.array(Name).check(z.minLength(1), z.maxLength(1000))),
  /** Configs that may answer; every one when absent. */
  configs: z.optional(z.array(ConfigId).check(z.minLength(1), z.maxLength(100))),
});
export type NewKey = z.infer<typeof NewKey>;

/** A key as it is kept: its secrets only as hashes, two while one takes over from the other. */
export const KeyRecord = z.extend(NewKey, {
  id: z.string(),
  created_ms: Instant,
  revoked_ms: z.optional(Instant),
  secrets: z.array(z.strictObject({ sha256: z.string(), until_ms: z.optional(Instant) })),
});
export type KeyRecord = z.infer<typeof KeyRecord>;

/** Body of `POST …/keys/{key}/rotate`: how long the old secret stays good beside the new one. */
export const KeyRotation = z.strictObject({ overlap_seconds: z._default(z.int().check(z.minimum(0), z.maximum(30 * 86_400)), 86_400) });

/** Body of `POST …/credits`: the id names the payment, so that it counts once. */
export const NewCredit = z.strictObject({ id: z.string().check(z.regex(/^[\w.:-]{1,100}$/)), micros: Micros.check(z.minimum(1)) });

/** A number in a query. */
export const QueryCount = z.pipe(
  z.string().check(z.regex(/^\d{1,15}$/)),
  z.pipe(
    z.transform((text: string) => Number(text)),
    Count,
  ),
);

// What a key's account sees of its own ledger: GET /v1/usage and GET /v1/statement.

import type { Context, Handler } from 'hono';
import type { StatementAnswer, StatementLine, UsageAnswer } from '../../contract/usage.ts';
import type { Entry, EntryUsage } from '../../core/ledger/entry.ts';
import { spent } from '../../core/ledger/limits.ts';
import type { Spending } from '../../core/ledger/totals.ts';
import type { Route } from '../route.ts';
import type { EdgeTypes } from '../types.ts';
import { describe } from './audit.ts';
import type { Accounts } from './port.ts';
import { queryCount } from './query-count.ts';
import { unauthorized } from './refusal.ts';

const DEFAULT_LINES = 100;
const MAX_LINES = 1_000;

/** What these routes need. */
export interface StatementDeps {
  readonly accounts: Accounts;
  /** Milliseconds. */
  readonly now: () => number;
}

/** These routes. */
export function statementRoutes(deps: StatementDeps): readonly Route[] {
  return [
    {
      method: 'get',
      path: '/v1/usage',
      access: 'admin-read',
      summary: "Tells the balance and spending of the key's account",
      answer: 'UsageAnswer',
      handler: usageRoute(deps),
    },
    {
      method: 'get',
      path: '/v1/statement',
      access: 'admin-read',
      summary: "Lists the requests in the ledger of the key's account",
      parameters: ['after', 'before', 'limit'],
      answer: 'StatementAnswer',
      handler: statementRoute(deps),
    },
  ];
}

/** Balance and spending. */
function usageRoute({ accounts, now }: StatementDeps): Handler<EdgeTypes> {
  return async (c) => {
    const account = accountOf(c);
    const { totals } = await describe(accounts, account);
    const nowMs = now();
    const spent: UsageAnswer['spent'] = { account: spentNow(totals.account, nowMs) };
    for (const [key, spending] of Object.entries(totals.keys)) spent[key] = spentNow(spending, nowMs);
    const { currency } = accounts.prices;
    return c.json({ account, currency, balance_micros: totals.balance, held_micros: totals.held, spent } satisfies UsageAnswer);
  };
}

/** The ledger's entries, a page at a time: after a place in order, or before one, latest first. */
function statementRoute({ accounts }: StatementDeps): Handler<EdgeTypes> {
  return async (c) => {
    const account = accountOf(c);
    const limit = Math.min(MAX_LINES, Math.max(1, queryCount(c, 'limit') ?? DEFAULT_LINES));
    const before = queryCount(c, 'before');
    const stub = accounts.accounts.getByName(account);
    const entries =
      (await (before === undefined ? stub.entries(queryCount(c, 'after') ?? 0, limit) : stub.entriesBefore(before, limit))) ?? [];
    const last = entries.length === limit ? entries[limit - 1]?.seq : undefined;
    return c.json({
      account,
      currency: accounts.prices.currency,
      lines: entries.map(toLine),
      ...(last !== undefined && { next: last }),
    } satisfies StatementAnswer);
  };
}

function toLine({ seq, key, request, operation, state, held, charged, openedMs, usage }: Entry): StatementLine {
  return {
    seq,
    key,
    request,
    operation,
    state,
    held_micros: held,
    charged_micros: charged,
    at_ms: openedMs,
    ...(usage !== undefined && { usage: usageOf(usage) }),
  };
}

/** Receipts are between edge and origins. */
function usageOf({ answers, tokens, configs, experts }: EntryUsage): NonNullable<StatementLine['usage']> {
  return { answers, tokens, configs, experts };
}

function spentNow(spending: Spending, nowMs: number): UsageAnswer['spent'][string] {
  return {
    day_micros: spent(spending, 'day', nowMs),
    month_micros: spent(spending, 'month', nowMs),
    ever_micros: spent(spending, 'ever', nowMs),
  };
}

/** The account of the key that let the request in. */
function accountOf(c: Context<EdgeTypes>): string {
  const tenant = c.get('tenant');
  if (tenant === undefined) throw unauthorized();
  return tenant.account;
}

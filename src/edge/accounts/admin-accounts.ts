// Accounts and their credit, of the admin API.

import type { z } from 'zod/mini';
import { AccountChange, NewAccount, NewCredit, type AccountRecord } from '../../contract/accounts.ts';
import type { AccountAnswer, AccountsAnswer, CreditAnswer } from '../../contract/admin.ts';
import { parseWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { KEY_BYTES } from '../../core/keys/key-text.ts';
import { readJson } from '../read-json.ts';
import type { Route } from '../route.ts';
import { accountOf, randomText, type AdminDeps } from './admin-context.ts';
import { describe, noAccount } from './audit.ts';
import { openAccount } from './open-account.ts';

/** Accounts that are listed at once. */
const ACCOUNTS = 1_000;

/** These routes. */
export function adminAccountRoutes({ accounts, now }: AdminDeps): readonly Route[] {
  return [
    {
      method: 'post',
      path: '/admin/v1/accounts',
      access: 'root',
      summary: 'Makes an account',
      request: 'NewAccount',
      answer: 'AccountRecord',
      status: [201],
      async handler(c) {
        const given = parseWith(NewAccount, await readJson(c.req.raw), 'body', 'invalid_request');
        const record: AccountRecord = { ...given, id: randomText(KEY_BYTES.account), created_ms: now() };
        await openAccount(accounts, record);
        return c.json(record, 201);
      },
    },
    {
      method: 'get',
      path: '/admin/v1/accounts',
      access: 'root',
      summary: 'Lists accounts in the order of their ids, a thousand at a time',
      parameters: ['afterAccount'],
      answer: 'AccountsAnswer',
      async handler(c) {
        const list = await accounts.directory.getByName('all').list(c.req.query('after') ?? '', ACCOUNTS);
        const answer = { accounts: list.map(({ id, name, createdMs }) => ({ id, name, created_ms: createdMs })) };
        return c.json(answer satisfies z.infer<typeof AccountsAnswer>);
      },
    },
    {
      method: 'get',
      path: '/admin/v1/accounts/{account}',
      access: 'root',
      summary: 'Tells an account with its balance',
      answer: 'AccountAnswer',
      errors: ['not_found'],
      async handler(c) {
        const { record, totals } = await describe(accounts, accountOf(c));
        const answer = { ...record, balance_micros: totals.balance, held_micros: totals.held, currency: accounts.prices.currency };
        return c.json(answer satisfies z.infer<typeof AccountAnswer>);
      },
    },
    {
      method: 'patch',
      path: '/admin/v1/accounts/{account}',
      access: 'root',
      summary: "Sets an account's limit on spending, or takes it away",
      request: 'AccountChange',
      answer: 'AccountRecord',
      errors: ['not_found'],
      async handler(c) {
        const change = parseWith(AccountChange, await readJson(c.req.raw), 'body', 'invalid_request');
        const account = accountOf(c);
        if (!(await accounts.accounts.getByName(account).limit(change.spend_limit ?? undefined))) throw noAccount();
        return c.json((await describe(accounts, account)).record);
      },
    },
    {
      method: 'post',
      path: '/admin/v1/accounts/{account}/credits',
      access: 'root',
      summary: 'Pays in; the id names the payment, so that it counts once',
      request: 'NewCredit',
      answer: 'CreditAnswer',
      status: [201, 200],
      errors: ['not_found'],
      async handler(c) {
        const { id, micros } = parseWith(NewCredit, await readJson(c.req.raw), 'body', 'invalid_request');
        const account = accountOf(c);
        const credited = await accounts.accounts.getByName(account).credit(id, micros);
        if (credited === 'absent') throw noAccount();
        if (credited === 'refused')
          throw new TwinrouteError('invalid_request', 'micros: expected a balance below the limit, got one above', { param: 'micros' });
        const { totals } = await describe(accounts, account);
        const answer: z.infer<typeof CreditAnswer> = { id, added: credited === 'added', balance_micros: totals.balance };
        return c.json(answer, credited === 'added' ? 201 : 200);
      },
    },
  ];
}

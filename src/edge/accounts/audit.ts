// What the operator takes out of the accounts: usage for billing systems, and the comparison of both books.

import { TwinrouteError } from '../../core/errors.ts';
import { reconcile, type Finding } from '../../core/ledger/reconcile.ts';
import { toCloudEvent, toStripeMeterEvent, type UsageEvent } from '../../core/ledger/usage-event.ts';
import { pages } from './pages.ts';
import type { Accounts } from './port.ts';

/** Accounts that are listed at once. */
const ACCOUNTS = 1_000;

/** How an event is written. */
export type EventFormat = 'cloudevents' | 'stripe';

/** Every account's id in order, or the one that was named. */
export async function* accountIds(accounts: Accounts, named: string | undefined): AsyncGenerator<string> {
  if (named !== undefined) {
    yield named;
    return;
  }
  const directory = accounts.directory.getByName('all');
  for (let page = await directory.list('', ACCOUNTS); page.length > 0;) {
    for (const { id } of page) yield id;
    page = await directory.list(page[page.length - 1]?.id ?? '', ACCOUNTS);
  }
}

/**
 * An account's usage after a place in its ledger, each event as one line of JSON.
 * @param named whether the account was asked for by name: without a customer id at Stripe it is then refused, and else passed over
 * @throws {TwinrouteError} `not_found` for an account that does not exist; `invalid_request` for Stripe's form of one without a customer id
 */
export async function* exportLines(
  accounts: Accounts,
  id: string,
  {
    format,
    meter,
    after,
    named,
  }: { readonly format: EventFormat; readonly meter: string; readonly after: number; readonly named: boolean },
): AsyncGenerator<string> {
  const { stripe_customer: customer } = (await describe(accounts, id)).record;
  if (format === 'stripe' && customer === undefined) {
    if (!named) return;
    throw new TwinrouteError('invalid_request', `account: expected a stripe_customer for ${id}, got none`, { param: 'account' });
  }
  const log = accounts.logs.getByName(id);
  for await (const event of pages<UsageEvent>((place, limit) => log.list(place, limit), after))
    yield `${JSON.stringify(customer === undefined || format === 'cloudevents' ? toCloudEvent(event) : toStripeMeterEvent(event, meter, customer))}\n`;
}

/**
 * The disagreements between an account's ledger, its sums and its usage log.
 * @param graceMs how long the queue may take to deliver
 */
export async function reconcileAccount(accounts: Accounts, id: string, nowMs: number, graceMs: number): Promise<readonly Finding[]> {
  const account = accounts.accounts.getByName(id);
  const log = accounts.logs.getByName(id);
  const standing = await account.standing();
  if (standing === undefined) throw noAccount();
  const { seq, open } = standing;
  const unpublished = new Set(open);
  return reconcile({
    account: id,
    standing,
    entries: pages(async (after, limit) => (await account.entries(after, limit)) ?? [], 0, seq),
    events: pages<UsageEvent>((after, limit) => log.list(after, limit), 0, seq),
    isDue: (entry) => !unpublished.has(entry.seq) && entry.changedMs + graceMs <= nowMs,
  });
}

/**
 * The account with its sums.
 * @throws {TwinrouteError} `not_found` when there is none
 */
export async function describe(accounts: Accounts, id: string) {
  const described = await accounts.accounts.getByName(id).describe();
  if (described === undefined) throw noAccount();
  return described;
}

/** The refusal of an id that names no account. */
export function noAccount(): TwinrouteError {
  return new TwinrouteError('not_found', 'account: expected the id of an account, got another', { param: 'account' });
}

// The admin API under /admin/v1: accounts, keys, credit, exports and reconciliation, behind the root secret.

import { Hono, type Context } from 'hono';
import { AccountChange, NewAccount, NewCredit, NewKey, KeyRotation, type KeyRecord } from '../../contract/accounts.ts';
import { parseWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { equalText } from '../../core/keys/equal-text.ts';
import { isAccountId, KEY_BYTES, keyText, textOf } from '../../core/keys/key-text.ts';
import { readJson } from '../read-json.ts';
import { sha256Hex } from '../sha256.ts';
import type { EdgeTypes } from '../types.ts';
import { accountIds, describe, exportLines, noAccount, reconcileAccount, type EventFormat } from './audit.ts';
import type { Accounts } from './port.ts';
import { queryCount } from './query-count.ts';

/** What the admin API needs. */
export interface AdminDeps {
  readonly accounts: Accounts;
  /** Milliseconds. */
  readonly now: () => number;
}

/** How long the queue may take before reconciliation misses an event, in seconds. */
const GRACE_SECONDS = 600;
/** Accounts that are listed at once. */
const ACCOUNTS = 1_000;

/** The routes, relative to /admin/v1. */
export function adminRoutes({ accounts, now }: AdminDeps): Hono<EdgeTypes> {
  const app = new Hono<EdgeTypes>();
  app.use(async function rootSecret(c, next) {
    const sent = /^Bearer (.{1,1000})$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    // Hashes are of one length, and tell nothing by where they differ.
    if (!equalText(await sha256Hex(sent), await sha256Hex(accounts.adminSecret)))
      throw new TwinrouteError('unauthorized', 'authorization: expected the root secret, got something else', { param: 'authorization' });
    await next();
  });
  const accountOf = (c: Context): string => {
    const id = c.req.param('account') ?? '';
    if (isAccountId(id)) return id;
    throw noAccount();
  };
  const stubOf = (c: Context) => accounts.accounts.getByName(accountOf(c));
  const body = async <T>(c: Context, parse: (value: unknown) => T): Promise<T> => parse(await readJson(c.req.raw));

  app.post('/accounts', async (c) => {
    const given = await body(c, (value) => parseWith(NewAccount, value, 'body', 'invalid_request'));
    const record = { ...given, id: randomText(KEY_BYTES.account), created_ms: now() };
    // An account that is not in the directory could hold money that no export finds; the other way round is an empty line.
    await accounts.directory.getByName('all').add({ id: record.id, name: record.name, createdMs: record.created_ms });
    await accounts.accounts.getByName(record.id).create(record);
    return c.json(record, 201);
  });
  app.get('/accounts', async (c) => {
    const list = await accounts.directory.getByName('all').list(c.req.query('after') ?? '', ACCOUNTS);
    return c.json({ accounts: list.map(({ id, name, createdMs }) => ({ id, name, created_ms: createdMs })) });
  });
  app.get('/accounts/:account', async (c) => {
    const { record, totals } = await describe(accounts, accountOf(c));
    return c.json({ ...record, balance_micros: totals.balance, held_micros: totals.held, currency: accounts.prices.currency });
  });
  app.patch('/accounts/:account', async (c) => {
    const change = await body(c, (value) => parseWith(AccountChange, value, 'body', 'invalid_request'));
    if (!(await stubOf(c).limit(change.spend_limit ?? undefined))) throw noAccount();
    return c.json((await describe(accounts, accountOf(c))).record);
  });
  app.post('/accounts/:account/credits', async (c) => {
    const { id, micros } = await body(c, (value) => parseWith(NewCredit, value, 'body', 'invalid_request'));
    const credited = await stubOf(c).credit(id, micros);
    if (credited === 'absent') throw noAccount();
    if (credited === 'refused')
      throw new TwinrouteError('invalid_request', 'micros: expected a balance below the limit, got one above', { param: 'micros' });
    const { totals } = await describe(accounts, accountOf(c));
    return c.json({ id, added: credited === 'added', balance_micros: totals.balance }, credited === 'added' ? 201 : 200);
  });

  app.post('/accounts/:account/keys', async (c) => {
    const given = await body(c, (value) => parseWith(NewKey, value, 'body', 'invalid_request'));
    const account = accountOf(c);
    const id = account + randomText(KEY_BYTES.key);
    const key = keyText(id, randomText(KEY_BYTES.secret));
    const record = await stubOf(c).addKey(id, await sha256Hex(key), given);
    if (record === 'absent') throw noAccount();
    if (record === 'full')
      throw new TwinrouteError('invalid_request', 'keys: expected room for another key, got an account that has too many');
    return c.json({ ...shown(record), key }, 201);
  });
  app.get('/accounts/:account/keys', async (c) => {
    const keys = await stubOf(c).keys();
    if (keys === undefined) throw noAccount();
    return c.json({ keys: keys.map(shown) });
  });
  app.delete('/accounts/:account/keys/:key', async (c) => {
    const record = await stubOf(c).revokeKey(c.req.param('key'));
    if (record === undefined) throw noKey();
    return c.json(shown(record));
  });
  app.post('/accounts/:account/keys/:key/rotate', async (c) => {
    const { overlap_seconds: overlap } = await body(c, (value) => parseWith(KeyRotation, value, 'body', 'invalid_request'));
    const id = c.req.param('key');
    const key = keyText(id, randomText(KEY_BYTES.secret));
    const record = await stubOf(c).rotateKey(id, await sha256Hex(key), overlap * 1000);
    if (record === undefined) throw noKey();
    return c.json({ ...shown(record), key });
  });

  app.get('/export', async (c) => {
    const format = formatOf(c.req.query('format'));
    const named = namedAccount(c);
    const after = queryCount(c, 'after') ?? 0;
    if (after > 0 && named === undefined)
      throw new TwinrouteError('invalid_request', 'after: expected an account beside it, got none', { param: 'account' });
    const lines = async function* (): AsyncGenerator<string> {
      const options = { format, after, named: named !== undefined, meter: c.req.query('meter') ?? 'twinroute_usage' };
      for await (const id of accountIds(accounts, named)) yield* exportLines(accounts, id, options);
    };
    return c.body(await streamOf(lines()), 200, { 'content-type': 'application/x-ndjson' });
  });
  app.get('/reconcile', async (c) => {
    const graceMs = (queryCount(c, 'grace_seconds') ?? GRACE_SECONDS) * 1000;
    const findings: object[] = [];
    let count = 0;
    for await (const id of accountIds(accounts, namedAccount(c))) {
      for (const finding of await reconcileAccount(accounts, id, now(), graceMs)) findings.push({ account: id, ...finding });
      count += 1;
    }
    return c.json({ accounts: count, findings });
  });
  return app;
}

/** A key's record without the hashes of its secrets. */
function shown({ secrets, ...record }: KeyRecord): object {
  const [newest, old] = secrets;
  return { ...record, ...(newest !== undefined && old?.until_ms !== undefined && { old_secret_until_ms: old.until_ms }) };
}

function noKey(): TwinrouteError {
  return new TwinrouteError('not_found', 'key: expected the id of a key that is not revoked, got another', { param: 'key' });
}

function randomText(bytes: number): string {
  return textOf(crypto.getRandomValues(new Uint8Array(bytes)));
}

function namedAccount(c: Context): string | undefined {
  const named = c.req.query('account');
  if (named === undefined || isAccountId(named)) return named;
  throw noAccount();
}

function formatOf(text: string | undefined): EventFormat {
  if (text === undefined || text === 'cloudevents') return 'cloudevents';
  if (text === 'stripe') return 'stripe';
  throw new TwinrouteError('invalid_request', `format: expected cloudevents or stripe, got ${text.slice(0, 20)}`, { param: 'format' });
}

/** The lines as a body that is made while it is read. The first is made at once, so that what is wrong from the start has a status of its own. */
async function streamOf(lines: AsyncGenerator<string>): Promise<ReadableStream<Uint8Array>> {
  const utf8 = new TextEncoder();
  let next = await lines.next();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (next.done === true) {
        controller.close();
        return;
      }
      controller.enqueue(utf8.encode(next.value));
      next = await lines.next();
    },
  });
}

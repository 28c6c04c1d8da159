// The scripted edge of ../helpers/harness.ts with real accounts in Durable Objects, and an operator who makes them.

import { env } from 'cloudflare:workers';
import { bindAccounts } from '../../../src/edge/accounts/bind-accounts.ts';
import type { Accounts } from '../../../src/edge/accounts/port.ts';
import { createHarness, type HarnessOptions } from '../helpers/harness.ts';

export const ROOT = 'a root secret for tests, long enough';

/** Two micro-units an answer and two a token, at most 512 tokens: the harness's answer of 7 tokens costs 16. */
export const PRICES = { answer: { request: 2, per_1000_tokens: 2000 } };
export const ANSWER_PRICE = 16;

/** Changes to what binding gives, to make calls fail. */
export type Sabotage = (accounts: Accounts) => Accounts;

export interface PaidOptions extends HarnessOptions {
  readonly prices?: object;
  readonly sabotage?: Sabotage;
}

export function createPaidHarness({ prices = PRICES, sabotage = (accounts) => accounts, ...options }: PaidOptions = {}) {
  const accounts = bindAccounts({ ...env, ADMIN_SECRET: ROOT, PRICES: JSON.stringify(prices) });
  if (accounts === undefined) throw new Error('expected accounts');
  const harness = createHarness({ ...options, accounts: sabotage(accounts) });
  const admin = async (method: string, path: string, body?: unknown, secret = ROOT) => {
    const response = await harness.app.request(`/admin/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = new TextDecoder().decode(await response.arrayBuffer());
    const answer = text === '' || response.headers.get('content-type')?.includes('ndjson') === true ? text : JSON.parse(text);
    return { status: response.status, body: answer };
  };
  /** An account with credit and a key. */
  const customer = async (credit = 1_000_000, key: object = {}, account: object = {}) => {
    const { id } = (await admin('POST', 'accounts', { name: 'customer', ...account })).body;
    if (credit > 0) await admin('POST', `accounts/${id}/credits`, { id: 'first', micros: credit });
    const issued = (await admin('POST', `accounts/${id}/keys`, { name: 'key', ...key })).body;
    const stub = accounts.accounts.getByName(id);
    const predict = (body: unknown = { text: 'hello' }, headers: Record<string, string> = {}) =>
      harness.post('/v1/predict', body, { authorization: `Bearer ${issued.key}`, ...headers });
    const get = async (path: string, secret: string = issued.key) => {
      const response = await harness.app.request(path, { headers: { authorization: `Bearer ${secret}` } });
      return { status: response.status, headers: response.headers, body: await response.json() };
    };
    const balance = async (): Promise<unknown> => (await admin('GET', `accounts/${id}`)).body.balance_micros;
    const held = async (): Promise<unknown> => (await admin('GET', `accounts/${id}`)).body.held_micros;
    return { id, key: issued.key, keyId: issued.id, stub, predict, get, balance, held };
  };
  return { ...harness, accounts, admin, customer };
}

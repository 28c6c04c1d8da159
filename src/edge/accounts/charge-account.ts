// From an account's credit: reserve, work, charge.
//
// The answer leaves only after its charge is safe: settled by the account, or, when the account cannot be reached, on the queue, which settles it
// later; its money stays held until then. What is neither settled nor given back (the isolate ended, the caller hung up) the account sweeps.

import type { Context } from 'hono';
import { canonicalJson } from '../../core/canonical-json.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { Tenant } from '../../contract/tenant.ts';
import { sha256Hex } from '../sha256.ts';
import type { EdgeTypes } from '../types.ts';
import { respond, type Bill, type Charge, type ChargedWork } from './charged.ts';
import { IDEMPOTENCY_HEADER, setCostHeaders, setRateHeaders } from './headers.ts';
import type { AccountCalls, KeyProof, Metering, OpenedCall } from './port.ts';
import { refusalOf, unauthorized } from './refusal.ts';
import { within } from './within.ts';

/** Waits for an account: to reserve or give back, and to charge, which is tried a few times. */
const OPEN_MS = 5_000;
const SETTLE_MS = 2_000;
const SETTLE_ATTEMPTS = 3;

/** What charging an account needs. */
export interface ChargeAccountDeps {
  readonly accounts: Metering;
  readonly report: (thrown: unknown, requestId: string) => TwinrouteError;
}

/** Charges the account of a key. */
export function chargeAccount(deps: ChargeAccountDeps, tenant: Tenant, proof: KeyProof): Charge {
  const { accounts } = deps;
  return async (c, job) => {
    const { operation } = job;
    const idempotency = idempotencyOf(c.req.raw.headers);
    const bodyHash = idempotency === undefined ? '' : await sha256Hex(`${operation} ${canonicalJson(job.body)}`);
    const micros = job.bound(accounts.prices);
    const request = { key: proof.key, idempotency, bodyHash, micros, request: c.get('requestId'), operation };
    const opened = await within(accounts.calls(tenant.account).open(proof, request), OPEN_MS, 'account');
    if (opened.kind === 'unauthorized') throw unauthorized();
    setRateHeaders(c, opened.rate);
    const { currency } = accounts.prices;
    if (opened.kind === 'refused') throw refusalOf(opened.refusal, currency);
    if (opened.kind === 'repeated') return repeat(c, job, opened, currency);
    const { seq, available } = opened;
    return answerReserved(deps, c, job, { account: tenant.account, seq, micros, available, keepAnswer: idempotency !== undefined });
  };
}

/** What was set aside for a request. */
interface Reserved {
  readonly account: string;
  readonly seq: number;
  readonly micros: number;
  /** Credit that was left. */
  readonly available: number;
  readonly keepAnswer: boolean;
}

/** Answers, then charges or gives back. */
async function answerReserved<T extends object>(
  deps: ChargeAccountDeps,
  c: Context<EdgeTypes>,
  job: ChargedWork<T>,
  { account, seq, micros, available, keepAnswer }: Reserved,
): Promise<Response> {
  const { prices, calls, send } = deps.accounts;
  const report = (thrown: unknown): unknown => deps.report(thrown, c.get('requestId'));
  const giveBack = (): Promise<unknown> => within(calls(account).release(seq), OPEN_MS, 'account').catch(report);
  let answer: T;
  let bill: Bill;
  try {
    answer = await job.work();
    bill = job.bill(answer, prices);
  } catch (thrown) {
    await giveBack();
    throw thrown;
  }
  const text = JSON.stringify(answer);
  c.header('x-usage-tokens', String(bill.usage.tokens));
  if (bill.usage.answers === 0) {
    await giveBack();
    setCostHeaders(c, 0, available + micros, prices.currency);
    return respond(c, job, text);
  }
  try {
    const settled = await settle(() => calls(account), seq, bill, keepAnswer ? text : undefined);
    if (!settled.settled) throw new TwinrouteError('internal', 'charge: expected an open reservation, got one that was given back');
    setCostHeaders(c, settled.charged, settled.available, prices.currency);
  } catch (thrown) {
    report(thrown);
    // Nothing is left to do for an answer whose charge not even the queue takes: the caller gets it, and the log has it.
    await within(send({ kind: 'settle', account, seq, ...bill }), SETTLE_MS, 'queue').catch(report);
  }
  return respond(c, job, text);
}

/** Charging twice charges once, so a call that failed, or seems to have, is simply made again. */
async function settle(calls: () => AccountCalls, seq: number, { micros, usage }: Bill, answer: string | undefined) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await within(calls().settle(seq, micros, usage, answer), SETTLE_MS, 'account');
    } catch (thrown) {
      if (attempt === SETTLE_ATTEMPTS) throw thrown;
    }
  }
}

/** The answer that the first request got, or where that stands. */
async function repeat(
  c: Context<EdgeTypes>,
  job: Pick<ChargedWork<object>, 'respond'>,
  opened: Extract<OpenedCall, { kind: 'opened' | 'repeated' }>,
  currency: string,
): Promise<Response> {
  if (opened.answer !== undefined) {
    c.header('idempotent-replayed', 'true');
    setCostHeaders(c, opened.charged, opened.available, currency);
    return respond(c, job, opened.answer);
  }
  const underWay = opened.state === 'reserved' || opened.state === 'served';
  const message = underWay ? 'the same request is under way' : 'it was answered and charged, and its answer is no longer kept';
  throw new TwinrouteError('conflict', `${IDEMPOTENCY_HEADER}: expected a new one, got one in use: ${message}`, {
    param: IDEMPOTENCY_HEADER,
    details: { state: opened.state, charged_micros: opened.charged },
    ...(underWay && { retryAfterSeconds: 1 }),
  });
}

function idempotencyOf(headers: Headers): string | undefined {
  const sent = headers.get(IDEMPOTENCY_HEADER);
  if (sent === null) return undefined;
  if (/^[\x21-\x7e]{1,255}$/.test(sent)) return sent;
  throw new TwinrouteError('invalid_request', `${IDEMPOTENCY_HEADER}: expected 1 to 255 visible ASCII characters, got something else`, {
    param: IDEMPOTENCY_HEADER,
  });
}

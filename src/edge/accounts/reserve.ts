// What is set aside for a request, and how that ends: by a charge, or by giving it back.

import type { Context } from 'hono';
import { canonicalJson } from '../../core/canonical-json.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { Tenant } from '../../contract/tenant.ts';
import { ledgerStep } from '../observe/ledger-step.ts';
import type { Trip } from '../observe/trip.ts';
import { sha256Hex } from '../sha256.ts';
import type { EdgeTypes } from '../types.ts';
import type { Bill, Reservation, Reserve } from './charged.ts';
import type { HeadStarts } from './head-starts.ts';
import { IDEMPOTENCY_HEADER, setCostHeaders, setRateHeaders } from './headers.ts';
import type { AccountCalls, KeyProof, Metering, OpenedCall, SettledCall } from './port.ts';
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
  /** Keeps work running after its caller has gone. */
  readonly keepAlive: (work: Promise<unknown>) => void;
  readonly headStarts: HeadStarts;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Sets aside from the credit of a key's account, and sets the headers that are known by then. */
export function reserveFrom(deps: ChargeAccountDeps, tenant: Tenant, proof: KeyProof): Reserve {
  const { accounts } = deps;
  return async (c, { operation, body, form, bound }) => {
    const idempotency = idempotencyOf(c.req.raw.headers);
    const asked = form === undefined ? operation : `${operation}.${form}`;
    const bodyHash = idempotency === undefined ? '' : await sha256Hex(`${asked} ${canonicalJson(body)}`);
    // Read once: others may be published before the answer is there.
    const { prices } = accounts;
    const micros = await bound(prices);
    const request = { key: proof.key, idempotency, bodyHash, micros, request: c.get('requestId'), operation };
    const trip = c.get('trip');
    let opened: OpenedCall | 'unknown' = 'unknown';
    try {
      opened = await ledgerStep(
        trip,
        'reserve',
        () => within(accounts.calls(tenant.account).open(proof, request), OPEN_MS, 'account'),
        (call) => ({ outcome: call.kind === 'refused' ? call.refusal.code : call.kind, micros: call.kind === 'opened' ? micros : 0 }),
      );
    } finally {
      deps.headStarts.saw(proof.key, opened, deps.now());
    }
    if (opened.kind === 'unauthorized') throw unauthorized();
    setRateHeaders(c, opened.rate);
    const { currency } = prices;
    if (opened.kind === 'refused') throw refusalOf(opened.refusal, currency);
    if (opened.kind === 'repeated') return { kind: 'repeated', answer: repeated(c, opened, currency) };
    const report = (thrown: unknown): void => void deps.report(thrown, c.get('requestId'));
    const facts = { micros, available: opened.available, prices };
    const entry = { account: tenant.account, seq: opened.seq, micros, keepAnswer: idempotency !== undefined };
    const ends = endings(accounts, entry, report, trip);
    return { kind: 'reserved', reservation: { ...facts, ...ends } };
  };
}

function endings(
  { calls, send }: Metering,
  {
    account,
    seq,
    micros,
    keepAnswer,
  }: { readonly account: string; readonly seq: number; readonly micros: number; readonly keepAnswer: boolean },
  report: (thrown: unknown) => void,
  trip: Trip,
): Pick<Reservation, 'giveBack' | 'charge'> {
  return {
    async giveBack() {
      await ledgerStep(
        trip,
        'release',
        () => within(calls(account).release(seq), OPEN_MS, 'account'),
        (released) => ({ outcome: released ? 'released' : 'refused', micros: released ? micros : 0 }),
      ).catch(report);
    },
    async charge(bill, answer) {
      try {
        const settled = await ledgerStep(
          trip,
          'settle',
          () => settle(() => calls(account), seq, bill, keepAnswer ? answer : undefined),
          (call) => ({ outcome: call.settled ? 'settled' : 'refused', micros: call.charged }),
        );
        if (!settled.settled) throw new TwinrouteError('internal', 'charge: expected an open reservation, got one that was given back');
        return settled;
      } catch (thrown) {
        report(thrown);
        // Nothing is left to do for an answer whose charge not even the queue takes: the caller gets it, and the log has it.
        await ledgerStep(
          trip,
          'queue',
          () => within(send({ kind: 'settle', account, seq, ...bill }), SETTLE_MS, 'queue'),
          () => ({ outcome: 'queued', micros: bill.micros }),
        ).catch(report);
        return undefined;
      }
    },
  };
}

/** Charging twice charges once, so a call that failed, or seems to have, is simply made again. */
async function settle(calls: () => AccountCalls, seq: number, { micros, usage }: Bill, answer: string | undefined): Promise<SettledCall> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await within(calls().settle(seq, micros, usage, answer), SETTLE_MS, 'account');
    } catch (thrown) {
      if (attempt === SETTLE_ATTEMPTS) throw thrown;
    }
  }
}

/** The answer that the first request got. @throws {TwinrouteError} `conflict` with where that stands, when there is none to give */
function repeated(c: Context<EdgeTypes>, opened: Extract<OpenedCall, { kind: 'opened' | 'repeated' }>, currency: string): string {
  if (opened.answer !== undefined) {
    c.header('idempotent-replayed', 'true');
    setCostHeaders(c, opened.charged, opened.available, currency);
    return opened.answer;
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

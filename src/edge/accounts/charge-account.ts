// From an account's credit: reserve, work, charge. Of a key with plenty of credit the work begins while the reservation is under way (head-starts.ts).
//
// The answer leaves only after its charge is safe: settled by the account, or, when the account cannot be reached, on the queue, which settles it
// later; its money stays held until then. What is neither settled nor given back (the isolate ended, the caller hung up) the account sweeps.

import type { Context } from 'hono';
import type { Tenant } from '../../contract/tenant.ts';
import type { EdgeTypes } from '../types.ts';
import { respond, type Bill, type Charge, type ChargedWork, type Reservation } from './charged.ts';
import { IDEMPOTENCY_HEADER, setCostHeaders } from './headers.ts';
import type { KeyProof } from './port.ts';
import { reserveFrom, type ChargeAccountDeps } from './reserve.ts';

/** Charges the account of a key. */
export function chargeAccount(deps: ChargeAccountDeps, tenant: Tenant, proof: KeyProof): Charge {
  const { accounts, headStarts, now } = deps;
  const reserve = reserveFrom(deps, tenant, proof);
  // A named request may have been answered before, which only the account knows.
  const mayBegin = async (c: Context<EdgeTypes>, { bound }: Pick<ChargedWork<object>, 'bound'>): Promise<boolean> =>
    c.req.header(IDEMPOTENCY_HEADER) === undefined && headStarts.allows(proof.key, await bound(accounts.prices), now());
  const charge = async <T extends object>(c: Context<EdgeTypes>, job: ChargedWork<T>): Promise<Response> => {
    const reserving = reserve(c, job);
    reserving.catch(() => undefined); // awaited below
    const begun = (await mayBegin(c, job)) ? begin(job.work) : job.work;
    const reserved = await reserving;
    if (reserved.kind === 'repeated') return respond(c, job, reserved.answer);
    const answered = answerReserved(c, { ...job, work: begun }, reserved.reservation);
    // Whose caller hangs up comes to an end all the same, and holds money no longer than its work takes.
    deps.keepAlive(answered.catch(() => undefined));
    return respond(c, job, await answered);
  };
  return Object.assign(charge, { reserve });
}

/** Begins work that may turn out to be for nothing. */
function begin<T>(work: () => Promise<T>): () => Promise<T> {
  const begun = work();
  begun.catch(() => undefined); // whoever asks for it hears of it
  return () => begun;
}

/** Answers, then charges or gives back. */
async function answerReserved<T extends object>(c: Context<EdgeTypes>, job: ChargedWork<T>, reservation: Reservation): Promise<string> {
  const { prices, available, micros } = reservation;
  let answer: T;
  let bill: Bill;
  try {
    answer = await job.work();
    bill = job.bill(answer, prices);
  } catch (thrown) {
    await reservation.giveBack();
    throw thrown;
  }
  const text = JSON.stringify(answer);
  c.header('x-usage-tokens', String(bill.usage.tokens));
  if (bill.usage.answers === 0) {
    await reservation.giveBack();
    setCostHeaders(c, 0, available + micros, prices.currency);
    return text;
  }
  const settled = await reservation.charge(bill, text);
  if (settled !== undefined) setCostHeaders(c, settled.charged, settled.available, prices.currency);
  return text;
}

// A request that is answered costs once, one that fails costs nothing, whoever pays and however. Authenticating decides who that is.

import type { Context } from 'hono';
import type { EntryUsage } from '../../core/ledger/entry.ts';
import type { PriceList } from '../../core/ledger/price.ts';
import type { EdgeTypes } from '../types.ts';
import type { SettledCall } from './port.ts';

/** A price and what it is for; nothing is charged when nothing was answered. */
export interface Bill {
  readonly micros: number;
  readonly usage: EntryUsage;
}

/** What is asked, as far as paying goes. */
export interface Question {
  readonly operation: 'predict' | 'route';
  /** What was asked: a repeated request has to ask the same. */
  readonly body: unknown;
  /** The form of the answer where it is not JSON: a repeated request has to want the same. */
  readonly form?: 'ndjson';
  /** The most that it can cost, in micro-units. */
  readonly bound: (prices: PriceList) => number | Promise<number>;
}

/** A request that is to be charged, and how it is answered. */
export interface ChargedWork<T> extends Question {
  readonly work: () => Promise<T>;
  readonly bill: (answer: T, prices: PriceList) => Bill;
  /** The response that carries an answer, given as its JSON text; that text itself when absent. A repeated request may want another form. */
  readonly respond?: (answerJson: string) => Promise<Response>;
}

/** What was set aside for a request. It ends once, by either of its functions; neither throws. */
export interface Reservation {
  /** In micro-units. */
  readonly micros: number;
  /** Credit that was left. */
  readonly available: number;
  readonly prices: PriceList;
  /** Ends it without a charge; what the account does not hear of, it sweeps. */
  giveBack(): Promise<void>;
  /**
   * Charges: by the account or, where that cannot be reached, by way of the queue.
   * @param answer to be repeated to whoever asks under the same name
   * @returns undefined when only the queue was told
   */
  charge(bill: Bill, answer: string): Promise<SettledCall | undefined>;
}

/** What became of a request to reserve; `repeated` has the answer that the same request got before. */
export type Reserved =
  | { readonly kind: 'reserved'; readonly reservation: Reservation }
  | { readonly kind: 'repeated'; readonly answer: string };

/**
 * Sets aside the most that a request can cost.
 * @throws {TwinrouteError} `unauthorized`, `payment_required`, `rate_limited`; `conflict` for a name in use; `unavailable` without an account
 */
export type Reserve = (c: Context<EdgeTypes>, question: Question) => Promise<Reserved>;

/** A way to pay: reserves, does the work, charges, and responds. */
export interface Charge {
  <T extends object>(c: Context<EdgeTypes>, job: ChargedWork<T>): Promise<Response>;
  /** For answers that leave in parts; absent where a payment is for a whole answer. */
  readonly reserve?: Reserve;
}

/** The response to a request, charged the way that it came with; free where it came with none. */
export async function charged<T extends object>(c: Context<EdgeTypes>, job: ChargedWork<T>): Promise<Response> {
  const charge = c.get('charge');
  return charge === undefined ? respond(c, job, JSON.stringify(await job.work())) : charge(c, job);
}

/** The response that carries an answer, given as its JSON text. */
export async function respond(c: Context<EdgeTypes>, job: Pick<ChargedWork<object>, 'respond'>, answerJson: string): Promise<Response> {
  return job.respond?.(answerJson) ?? c.body(answerJson, 200, { 'content-type': 'application/json' });
}

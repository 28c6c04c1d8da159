// A request that is answered costs once, one that fails costs nothing, whoever pays and however. Authenticating decides who that is.

import type { Context } from 'hono';
import type { EntryUsage } from '../../core/ledger/entry.ts';
import type { PriceList } from '../../core/ledger/price.ts';
import type { EdgeTypes } from '../types.ts';

/** A price and what it is for; nothing is charged when nothing was answered. */
export interface Bill {
  readonly micros: number;
  readonly usage: EntryUsage;
}

/** A request that is to be charged. */
export interface ChargedWork<T> {
  readonly operation: 'predict' | 'route';
  /** What was asked: a repeated request has to ask the same. */
  readonly body: unknown;
  /** The most that it can cost, in micro-units. */
  readonly bound: (prices: PriceList) => number;
  readonly work: () => Promise<T>;
  readonly bill: (answer: T, prices: PriceList) => Bill;
  /** The response that carries an answer, given as its JSON text; that text itself when absent. A repeated request may want another form. */
  readonly respond?: (answerJson: string) => Promise<Response>;
}

/** A way to pay: reserves, does the work, charges, and responds. */
export type Charge = <T extends object>(c: Context<EdgeTypes>, job: ChargedWork<T>) => Promise<Response>;

/** The response to a request, charged the way that it came with; free where it came with none. */
export async function charged<T extends object>(c: Context<EdgeTypes>, job: ChargedWork<T>): Promise<Response> {
  const charge = c.get('charge');
  return charge === undefined ? respond(c, job, JSON.stringify(await job.work())) : charge(c, job);
}

/** The response that carries an answer, given as its JSON text. */
export async function respond(c: Context<EdgeTypes>, job: Pick<ChargedWork<object>, 'respond'>, answerJson: string): Promise<Response> {
  return job.respond?.(answerJson) ?? c.body(answerJson, 200, { 'content-type': 'application/json' });
}

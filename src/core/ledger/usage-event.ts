// What an account's ledger tells the outside: one event for each charged request, and the forms in which billing systems take it. An event's
// id is made of the account and the entry's place in the ledger, so whoever gets it twice can tell.

import { canonicalJson } from '../canonical-json.ts';
import type { Entry, EntryUsage } from './entry.ts';

/** One charged request. */
export interface UsageEvent extends Omit<EntryUsage, 'receipts' | 'unsigned'> {
  readonly id: string;
  readonly account: string;
  readonly key: string;
  readonly seq: number;
  readonly request: string;
  readonly operation: string;
  /** In micro-units of the price list's currency. */
  readonly micros: number;
  /** When it was opened, in milliseconds since 1970. */
  readonly atMs: number;
}

/** The event of a settled entry; undefined for any other. */
export function usageEvent(account: string, entry: Entry): UsageEvent | undefined {
  const { state, usage, key, seq, request, operation, charged: micros, openedMs: atMs } = entry;
  if (state !== 'settled' || usage === undefined) return undefined;
  const { receipts: _ours, unsigned: _too, ...facts } = usage;
  return { id: `${account}.${seq}`, account, key, seq, request, operation, micros, atMs, ...facts };
}

/** Whether two events say the same. */
export function sameEvent(a: UsageEvent, b: UsageEvent): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/**
 * The event as a CloudEvent 1.0 in JSON; receivers such as OpenMeter drop a second one of the same `source` and `id`.
 * Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export function toCloudEvent(event: UsageEvent): object {
  const { id, account, atMs, key, request, operation, micros, tokens, answers, configs, experts } = event;
  return {
    specversion: '1.0',
    type: 'twinroute.usage',
    source: 'twinroute',
    id,
    time: new Date(atMs).toISOString(),
    subject: account,
    datacontenttype: 'application/json',
    data: { key, request, operation, micros, tokens, answers, configs, experts },
  };
}

/**
 * The event as a Stripe meter event. Stripe refuses a second one of the same `identifier` for at least 24 hours, and timestamps older than 35 days.
 * @param meter the meter's `event_name`
 * @param customer the account's customer id at Stripe
 * Source: https://docs.stripe.com/api/billing/meter-event/create
 */
export function toStripeMeterEvent(event: UsageEvent, meter: string, customer: string): object {
  return {
    event_name: meter,
    identifier: event.id,
    timestamp: Math.floor(event.atMs / 1000),
    payload: { stripe_customer_id: customer, value: String(event.micros) },
  };
}

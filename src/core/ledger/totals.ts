// The sums over an account's entries that decide whether a request may be opened. Every entry contributes by its state alone, so the sums can
// always be made again from the entries: that is how an account starts, and what reconciliation checks.

import { isOpen, type Entry } from './entry.ts';

/** A sum within the current window of time; entries of earlier windows no longer count. */
interface Window {
  readonly at: number;
  readonly sum: number;
}

/** Sums of one key, or of the whole account. Money is what was charged plus what is held. */
export interface Spending {
  /** Requests that were opened in this calendar minute. */
  minute: Window;
  day: Window;
  month: Window;
  ever: number;
}

/** Sums of an account. */
export interface Totals {
  /** Credit that was paid in and not charged. */
  balance: number;
  /** Part of the balance that is set aside for open entries. */
  held: number;
  account: Spending;
  /** By key id. */
  keys: Record<string, Spending>;
}

const NEVER: Window = { at: 0, sum: 0 };
const UNSPENT: Spending = { minute: NEVER, day: NEVER, month: NEVER, ever: 0 };

/** Sums of an account without entries. */
export function emptyTotals(): Totals {
  return { balance: 0, held: 0, account: { ...UNSPENT }, keys: {} };
}

/** Sums of a key. */
export function spendingOf(totals: Totals, key: string): Spending {
  return totals.keys[key] ?? UNSPENT;
}

/** The number of the calendar minute, day or month (UTC) of a time in milliseconds since 1970. */
export const windowAt = {
  minute: (ms: number): number => Math.floor(ms / 60_000),
  day: (ms: number): number => Math.floor(ms / 86_400_000),
  month: (ms: number): number => new Date(ms).getUTCFullYear() * 12 + new Date(ms).getUTCMonth(),
} as const;

/**
 * Changes `totals` by one entry.
 * @param before the entry as it was counted, undefined for a new one
 */
export function post(totals: Totals, before: Entry | undefined, after: Entry): void {
  const committed = (entry: Entry | undefined): number => (entry === undefined ? 0 : isOpen(entry) ? entry.held : costOf(entry));
  const held = (entry: Entry | undefined): number => (entry !== undefined && isOpen(entry) ? entry.held : 0);
  totals.balance -= costOf(after) - (before === undefined ? 0 : costOf(before));
  totals.held += held(after) - held(before);
  const change = { requests: before === undefined ? 1 : 0, micros: committed(after) - committed(before) };
  totals.account = spend(totals.account, after.openedMs, change);
  totals.keys[after.key] = spend(spendingOf(totals, after.key), after.openedMs, change);
}

/** What an entry has taken from the balance. */
function costOf(entry: Entry): number {
  return entry.state === 'settled' ? entry.charged : 0;
}

function spend(
  { minute, day, month, ever }: Spending,
  ms: number,
  change: { readonly requests: number; readonly micros: number },
): Spending {
  return {
    minute: add(minute, windowAt.minute(ms), change.requests),
    day: add(day, windowAt.day(ms), change.micros),
    month: add(month, windowAt.month(ms), change.micros),
    ever: ever + change.micros,
  };
}

function add(window: Window, at: number, amount: number): Window {
  if (at < window.at) return window;
  return { at, sum: (at === window.at ? window.sum : 0) + amount };
}

// One request in an account's ledger, and the states that it passes through:
//
//   reserved ─ serve → served ─ settle → settled        answered, charged once
//      │  └─── stale → unknown ─ serve → served           nobody said what became of it: the money stays held
//      │                  │ └─── resume → reserved         the caller tries again under the same name
//      └─ release ─┐      └─ release, stale → released   failed, timed out or given up: nothing charged
//                  └→ released
//
// A served entry that nobody settled is settled by the sweep: the answer is out.

/** What an origin signed for one answer, as far as books are compared by it. */
export interface ReceiptNote {
  /** Of the request that it answers: no other receipt has it. */
  readonly nonce: string;
  /** Whose receipt it is. */
  readonly endpoint: string;
  readonly config: string;
  readonly tokens: number;
  /** Hash of what was mixed. */
  readonly mix: string;
  /** Present when the answer was kept from before: its receipt may have been charged before, too. */
  readonly cached?: true;
}

/** What a request used, as far as prices and invoices care. */
export interface EntryUsage {
  /** Inputs that were answered. */
  readonly answers: number;
  readonly tokens: number;
  /** Ids of the configs that answered, sorted. */
  readonly configs: readonly string[];
  /** Experts that took part, sorted. */
  readonly experts: readonly string[];
  /** One for each answer; absent where nothing was signed. */
  readonly receipts?: readonly ReceiptNote[];
  /** The part of answers and tokens that came from engines that sign nothing, beside answers that are signed. */
  readonly unsigned?: { readonly answers: number; readonly tokens: number };
}

/** Where an entry is. */
export type EntryState = 'reserved' | 'served' | 'settled' | 'released' | 'unknown';

/** One request. */
export interface Entry {
  /** Place in the account's ledger, from 1. */
  readonly seq: number;
  /** Id of the key that paid. */
  readonly key: string;
  /** The caller's name for the request within its key; undefined where it gave none, or a later entry has taken it over. */
  readonly idempotency: string | undefined;
  /** Hash of what was asked; '' where there is no `idempotency`. */
  readonly bodyHash: string;
  readonly state: EntryState;
  /** Most that the request may cost, in micro-units; set aside while the entry is open. */
  readonly held: number;
  /** What it cost; 0 until it was served. At most `held`. */
  readonly charged: number;
  /** Milliseconds since 1970. */
  readonly openedMs: number;
  readonly changedMs: number;
  /** The request's id, for people who compare logs. */
  readonly request: string;
  /** What was asked for: `predict` or `route`. */
  readonly operation: string;
  readonly usage: EntryUsage | undefined;
}

/** What can happen to an entry. */
export type EntryCommand =
  | { readonly kind: 'serve'; readonly micros: number; readonly usage: EntryUsage }
  | { readonly kind: 'settle' | 'release' | 'stale' | 'resume' };

/** What a command did: `changed` is false for one that had already happened. */
export type Moved =
  | { readonly ok: true; readonly entry: Entry; readonly changed: boolean }
  | { readonly ok: false; readonly state: EntryState };

const NEXT: Readonly<Record<EntryState, Partial<Record<EntryCommand['kind'], EntryState>>>> = {
  reserved: { serve: 'served', release: 'released', stale: 'unknown' },
  served: { serve: 'served', settle: 'settled', stale: 'settled' },
  unknown: { serve: 'served', release: 'released', stale: 'released', resume: 'reserved' },
  settled: { serve: 'settled', settle: 'settled', stale: 'settled' },
  released: { release: 'released', stale: 'released' },
};

/**
 * How long an entry may stay in a state before it is stale, in milliseconds; one that is reserved for so much longer than its request may take: what
 * opening and charging wait for, and a reader of lines. Queues redeliver for minutes.
 */
const STALE_MS: Readonly<Partial<Record<EntryState, number>>> = { reserved: 20_000, served: 30_000, unknown: 3_600_000 };

/** Whether money is still set aside for the entry. */
export function isOpen(entry: Entry): boolean {
  return STALE_MS[entry.state] !== undefined;
}

/**
 * When an open entry becomes stale, in milliseconds since 1970; Infinity for one that is not open.
 * @param requestMs longest request of the deployment
 */
export function staleAtMs(entry: Entry, requestMs: number): number {
  return entry.changedMs + (STALE_MS[entry.state] ?? Infinity) + (entry.state === 'reserved' ? requestMs : 0);
}

/** The entry after a command; refused when the command contradicts what has happened, as releasing what was answered. */
export function move(entry: Entry, command: EntryCommand, nowMs: number): Moved {
  const state = NEXT[entry.state][command.kind];
  if (state === undefined) return { ok: false, state: entry.state };
  if (state === entry.state) return { ok: true, entry, changed: false };
  if (command.kind !== 'serve') return { ok: true, entry: { ...entry, state, changedMs: nowMs }, changed: true };
  const charged = Math.min(command.micros, entry.held);
  return { ok: true, entry: { ...entry, state, changedMs: nowMs, charged, usage: command.usage }, changed: true };
}

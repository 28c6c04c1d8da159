// An account's ledger over a store: decides, writes one entry a transition in one transaction, and keeps the sums in memory. What is in memory
// can be lost at any time: a ledger that is made again over the same store stands where the last transaction left it.
//
// The store also has a checkpoint: the sums over all entries up to a place that have been published and will not change. Publishing goes
// from there, so no entry needs an outbox row of its own: two rows are written for a request, and one for a batch that was published.

import { isOpen, move, staleAtMs, type Entry, type EntryCommand, type EntryState, type Moved } from './entry.ts';
import { brokenLimit, rateStanding, type LimitRefusal, type Limits, type RateStanding } from './limits.ts';
import { MAX_MICROS } from './money.ts';
import { emptyTotals, post, type Totals } from './totals.ts';

/** Sums over what has been published. */
export interface Checkpoint {
  /** Entries up to here are in `totals`… */
  readonly seq: number;
  /** …except those that were open when it was made. */
  readonly open: readonly number[];
  readonly totals: Totals;
}

/** Credit that was paid in. */
export interface Credit {
  /** Whoever pays in names the payment, so that it counts once. */
  readonly id: string;
  readonly micros: number;
  readonly atMs: number;
}

/** Where a ledger is kept. Every method is synchronous; a throw from within `transaction` undoes all of it. */
export interface LedgerStore {
  transaction<T>(work: () => T): T;
  checkpoint(): Checkpoint | undefined;
  saveCheckpoint(checkpoint: Checkpoint): void;
  insert(entry: Entry): void;
  /** Overwrites the entry with the same `seq`. */
  update(entry: Entry): void;
  bySeq(seq: number): Entry | undefined;
  byIdempotency(key: string, idempotency: string): Entry | undefined;
  /** Up to `limit` entries with a higher `seq`, in order. */
  after(seq: number, limit: number): readonly Entry[];
  /** False when a credit of that id is there already. */
  insertCredit(credit: Credit): boolean;
}

/** A request to be opened. */
export interface OpenRequest {
  readonly key: string;
  readonly idempotency: string | undefined;
  readonly bodyHash: string;
  /** Most that it may cost, in micro-units. */
  readonly micros: number;
  readonly request: string;
  readonly operation: string;
}

/** What became of a request to open. `repeated`: the same was opened before, here is where it stands; nothing was reserved. */
export type Opened =
  | { readonly kind: 'opened' | 'repeated'; readonly entry: Entry; readonly rate: RateStanding | undefined }
  | { readonly kind: 'refused'; readonly refusal: LimitRefusal | { readonly code: 'conflict' }; readonly rate: RateStanding | undefined };

/** Entries that have come to an end and are not published yet. */
export interface Unpublished {
  /** Tells a batch that was published already from the one that is next. */
  readonly turn: number;
  readonly to: number;
  readonly open: readonly number[];
  readonly ended: readonly Entry[];
}

/** Entries that are published or swept at once: a batch of a queue, and well below a second's work. */
const BATCH = 500;

/** A ledger. */
export interface Ledger {
  /** Sums as they are; not to be modified. */
  totals(): Totals;
  open(request: OpenRequest, limits: Limits, nowMs: number): Opened;
  rate(key: string, limits: Limits, nowMs: number): RateStanding | undefined;
  /** Commands to one entry, written at once; nothing is written when one of them is refused. Undefined when there is no such entry. */
  apply(seq: number, commands: readonly EntryCommand[], nowMs: number): Moved | undefined;
  /** False when that credit is there already. Refused (`undefined`) when the balance would pass MAX_MICROS. */
  credit(credit: Credit): boolean | undefined;
  /**
   * Moves on what is stale. Returns the states that entries have come to, one for each that moved.
   * @param requestMs longest request of the deployment: what is still under way is not stale
   */
  sweep(nowMs: number, requestMs: number): readonly EntryState[];
  /** The next entries to publish; undefined when there are none. */
  unpublished(): Unpublished | undefined;
  /** To be called once they are safely published; until then `unpublished` returns them again. */
  published(batch: Unpublished): void;
  /** When there is something to sweep, in milliseconds since 1970; Infinity when nothing is open. */
  nextSweepMs(requestMs: number): number;
}

/** Reads the store once: the checkpoint, entries after it, and those that were open. */
export function createLedger(store: LedgerStore): Ledger {
  let checkpoint = store.checkpoint() ?? { seq: 0, open: [], totals: emptyTotals() };
  const totals = copyOf(checkpoint.totals);
  const open = new Map<number, Entry>();
  let turn = 0;
  let lastSeq = checkpoint.seq;
  for (const entry of entriesSince(store, checkpoint)) {
    post(totals, undefined, entry);
    if (isOpen(entry)) open.set(entry.seq, entry);
    lastSeq = Math.max(lastSeq, entry.seq);
  }

  /** Writes, then counts: a write that throws changes nothing in memory either. */
  const write = (before: Entry | undefined, after: Entry, superseded?: Entry): void => {
    store.transaction(() => {
      if (superseded !== undefined) store.update({ ...superseded, idempotency: undefined });
      if (before === undefined) store.insert(after);
      else store.update(after);
    });
    post(totals, before, after);
    lastSeq = Math.max(lastSeq, after.seq);
    if (isOpen(after)) open.set(after.seq, after);
    else open.delete(after.seq);
  };
  const apply = (seq: number, commands: readonly EntryCommand[], nowMs: number): Moved | undefined => {
    const before = open.get(seq) ?? store.bySeq(seq);
    if (before === undefined) return undefined;
    let after = before;
    for (const command of commands) {
      const moved = move(after, command, nowMs);
      if (!moved.ok) return moved;
      after = moved.entry;
    }
    const changed = after !== before;
    if (changed) write(before, after);
    return { ok: true, entry: after, changed };
  };

  return {
    totals: () => totals,
    rate: (key, limits, nowMs) => rateStanding(totals, key, limits, nowMs),
    open(request, limits, nowMs) {
      const { key, idempotency, bodyHash, micros } = request;
      const rate = () => rateStanding(totals, key, limits, nowMs);
      const earlier = idempotency === undefined ? undefined : store.byIdempotency(key, idempotency);
      if (earlier !== undefined && earlier.bodyHash !== bodyHash) return { kind: 'refused', refusal: { code: 'conflict' }, rate: rate() };
      const again = earlier?.state === 'unknown';
      if (earlier !== undefined && !again && earlier.state !== 'released') return { kind: 'repeated', entry: earlier, rate: rate() };
      const refusal = brokenLimit(totals, key, limits, again ? 0 : micros, nowMs);
      if (refusal !== undefined) return { kind: 'refused', refusal, rate: rate() };
      // Nobody knows how the first attempt ended: the caller's second one runs on the same entry, so both together are charged once.
      const resumed = again ? apply(earlier.seq, [{ kind: 'resume' }], nowMs) : undefined;
      if (resumed?.ok === true) return { kind: 'opened', entry: resumed.entry, rate: rate() };
      const state: EntryState = 'reserved';
      const times = { openedMs: nowMs, changedMs: nowMs };
      const entry: Entry = { ...pick(request), seq: lastSeq + 1, state, held: micros, charged: 0, ...times, usage: undefined };
      write(undefined, entry, earlier);
      return { kind: 'opened', entry, rate: rate() };
    },
    apply,
    credit(credit) {
      if (totals.balance + credit.micros > MAX_MICROS) return undefined;
      const paid = (sums: Totals): Totals => ({ ...sums, balance: sums.balance + credit.micros });
      const next = { ...checkpoint, totals: paid(checkpoint.totals) };
      const added = store.transaction(() => {
        if (!store.insertCredit(credit)) return false;
        store.saveCheckpoint(next);
        return true;
      });
      if (!added) return false;
      checkpoint = next;
      totals.balance += credit.micros;
      return true;
    },
    sweep(nowMs, requestMs) {
      const stale = [...open.values()].filter((entry) => staleAtMs(entry, requestMs) <= nowMs).slice(0, BATCH);
      return stale.flatMap(({ seq }) => {
        const moved = apply(seq, [{ kind: 'stale' }], nowMs);
        return moved?.ok === true && moved.changed ? [moved.entry.state] : [];
      });
    },
    unpublished() {
      const later = store.after(checkpoint.seq, BATCH);
      const candidates = [...openAt(store, checkpoint), ...later];
      const ended = candidates.filter((entry) => !isOpen(entry));
      if (ended.length === 0) return undefined;
      return {
        turn,
        to: later.at(-1)?.seq ?? checkpoint.seq,
        open: candidates.filter(isOpen).map(({ seq }) => seq),
        ended,
      };
    },
    published(batch) {
      if (batch.turn !== turn) return;
      const sums = copyOf(checkpoint.totals);
      for (const entry of batch.ended) post(sums, undefined, entry);
      const next = { seq: batch.to, open: batch.open, totals: sums };
      store.transaction(() => store.saveCheckpoint(next));
      checkpoint = next;
      turn += 1;
    },
    nextSweepMs(requestMs) {
      let next = Infinity;
      for (const entry of open.values()) next = Math.min(next, staleAtMs(entry, requestMs));
      return next;
    },
  };
}

/** A copy that `post` may change; the sums of a key are replaced, never changed. */
function copyOf(totals: Totals): Totals {
  return { ...totals, keys: { ...totals.keys } };
}

function pick({ key, idempotency, bodyHash, request, operation }: OpenRequest): Omit<OpenRequest, 'micros'> {
  return { key, idempotency, bodyHash: idempotency === undefined ? '' : bodyHash, request, operation };
}

/** Every entry that a checkpoint's sums leave out. */
function* entriesSince(store: LedgerStore, checkpoint: Checkpoint): Generator<Entry> {
  yield* openAt(store, checkpoint);
  for (let page = store.after(checkpoint.seq, BATCH); page.length > 0;) {
    yield* page;
    page = store.after(page.at(-1)?.seq ?? Infinity, BATCH);
  }
}

function openAt(store: LedgerStore, checkpoint: Checkpoint): readonly Entry[] {
  return checkpoint.open.flatMap((seq) => store.bySeq(seq) ?? []);
}

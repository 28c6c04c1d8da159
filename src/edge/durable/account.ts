// The Durable Object of one account: its keys and its ledger. Everything that decides about money or access happens here, one call at a time,
// so limits are exact and a revoked key is refused at once. Keys and sums are in memory; SQLite has what must not be lost.

import { DurableObject } from 'cloudflare:workers';
import type { AccountRecord, KeyRecord, NewKey } from '../../contract/accounts.ts';
import type { Tenant } from '../../contract/tenant.ts';
import { messageOf, TwinrouteError } from '../../core/errors.ts';
import { equalText } from '../../core/keys/equal-text.ts';
import type { Entry, EntryUsage } from '../../core/ledger/entry.ts';
import { createLedger, type Checkpoint, type Ledger, type OpenRequest } from '../../core/ledger/ledger.ts';
import type { Limits } from '../../core/ledger/limits.ts';
import type { Standing } from '../../core/ledger/reconcile.ts';
import type { Totals } from '../../core/ledger/totals.ts';
import { usageEvent } from '../../core/ledger/usage-event.ts';
import type { AccountCall, AccountResult, BookedPayment, KeyProof, OpenedCall, SettledCall } from '../accounts/port.ts';
import { openUpstream } from '../endpoints.ts';
import type { EdgeEnv } from '../env.ts';
import { createAnswerStore } from './answer-table.ts';
import { createEntryStore, ENTRY_TABLES } from './entry-tables.ts';
import { migrate } from './migrate.ts';
import { logFailure } from '../observe/log-failure.ts';
import { tellSwept } from '../observe/tell-swept.ts';
import { usageMessages } from './usage-messages.ts';

const TABLES = [
  ...ENTRY_TABLES,
  'CREATE TABLE keys (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID',
  'CREATE TABLE answers (seq INTEGER PRIMARY KEY, answer TEXT NOT NULL, until_ms INTEGER NOT NULL)',
] as const;

/** How often open and unpublished entries are looked at, while there are any. Setting an alarm writes a row, so not for every request. */
const TICK_MS = 5_000;
/** Most keys of an account, revoked ones included: they are held in memory. */
const MAX_KEYS = 1_000;
/** Stands for a key that does not exist, so that it is refused on the same path as a wrong secret. */
const NOBODY: KeyRecord = { id: '', name: '', scopes: [], created_ms: 0, secrets: [{ sha256: '0'.repeat(64), until_ms: 0 }] };

const NO_LIMITS: Limits = { requestsPerMinute: undefined, keySpend: undefined, accountSpend: undefined };

/** What an account has in memory; absent where nobody made the account. */
interface Open {
  record: AccountRecord;
  readonly keys: Map<string, KeyRecord>;
  readonly ledger: Ledger;
  readonly answers: ReturnType<typeof createAnswerStore>;
}

/** An account. */
export class Account extends DurableObject<EdgeEnv> {
  #open: Open | undefined;
  #alarmMs = Infinity;

  constructor(state: DurableObjectState, env: EdgeEnv) {
    super(state, env);
    // Nothing is written for ids that a stranger made up.
    const record = state.storage.kv.get<AccountRecord>('account');
    if (record !== undefined) this.#open = this.#load(record);
  }

  /** Makes the account; making it again changes nothing. */
  create(record: AccountRecord): void {
    if (this.#open !== undefined) return;
    this.ctx.storage.transactionSync(() => {
      migrate(this.ctx.storage, TABLES);
      this.ctx.storage.kv.put('account', record);
    });
    this.#open = this.#load(record);
  }

  /** The account with its sums; undefined when there is none. */
  describe(): { readonly record: AccountRecord; readonly totals: Totals } | undefined {
    return this.#open && { record: this.#open.record, totals: this.#open.ledger.totals() };
  }

  /** Sets or takes away the account's cap on spending. */
  limit(spendLimit: AccountRecord['spend_limit']): boolean {
    if (this.#open === undefined) return false;
    const { spend_limit: _old, ...rest } = this.#open.record;
    this.#open.record = spendLimit === undefined ? rest : { ...rest, spend_limit: spendLimit };
    this.ctx.storage.kv.put('account', this.#open.record);
    return true;
  }

  /** Adds a key. `full` when the account has too many. */
  addKey(id: string, sha256: string, key: NewKey): KeyRecord | 'absent' | 'full' {
    if (this.#open === undefined) return 'absent';
    if (this.#open.keys.size >= MAX_KEYS) return 'full';
    return this.#keep({ ...key, id, created_ms: Date.now(), secrets: [{ sha256 }] });
  }

  /** The account's keys, oldest first; undefined when there is no account. */
  keys(): readonly KeyRecord[] | undefined {
    return this.#open && [...this.#open.keys.values()].sort((a, b) => a.created_ms - b.created_ms);
  }

  /** Ends a key for good; its record stays. */
  revokeKey(id: string): KeyRecord | undefined {
    const record = this.#open?.keys.get(id);
    return record && (record.revoked_ms === undefined ? this.#keep({ ...record, revoked_ms: Date.now() }) : record);
  }

  /** A new secret for a key; the newest of the old ones stays good for `overlapMs`. */
  rotateKey(id: string, sha256: string, overlapMs: number): KeyRecord | undefined {
    const record = this.#open?.keys.get(id);
    if (record === undefined || record.revoked_ms !== undefined) return undefined;
    const [newest] = record.secrets;
    const untilMs = Math.min(Date.now() + overlapMs, newest.until_ms ?? Infinity);
    return this.#keep({ ...record, secrets: [{ sha256 }, { sha256: newest.sha256, until_ms: untilMs }] });
  }

  /** Pays in. `refused` when the balance would be larger than amounts may be; a credit that is there already is `known`. */
  credit(id: string, micros: number): 'absent' | 'added' | 'known' | 'refused' {
    if (this.#open === undefined) return 'absent';
    const added = this.#open.ledger.credit({ id, micros, atMs: Date.now() });
    return added === undefined ? 'refused' : added ? 'added' : 'known';
  }

  /**
   * Writes down a request that was paid for by itself: money in, and out again, once for each payment.
   * @returns false where nobody made the account
   */
  book({ id, micros, usage, request, operation }: BookedPayment): boolean {
    if (this.#open === undefined) return false;
    const nowMs = Date.now();
    const { ledger } = this.#open;
    ledger.credit({ id, micros, atMs: nowMs });
    const opened = ledger.open({ key: 'x402', idempotency: id, bodyHash: '', micros, request, operation }, NO_LIMITS, nowMs);
    if (opened.kind === 'refused')
      throw new TwinrouteError('internal', `book: expected room for payment ${id}, got ${opened.refusal.code}`);
    ledger.apply(opened.entry.seq, [{ kind: 'serve', micros, usage }, { kind: 'settle' }], nowMs);
    this.#tick(nowMs + TICK_MS);
    return true;
  }

  /** Who holds the key; undefined for whatever is wrong with it. */
  authenticate(proof: KeyProof): Tenant | undefined {
    const record = this.#check(proof, Date.now());
    return record && tenantOf(record, this.#open?.record.id ?? '');
  }

  /** Reserves what a request may cost. */
  open(proof: KeyProof, request: OpenRequest): OpenedCall {
    const nowMs = Date.now();
    const key = this.#check(proof, nowMs);
    if (key === undefined || this.#open === undefined) return { kind: 'unauthorized' };
    const { ledger, answers, record } = this.#open;
    const opened = ledger.open(request, limitsOf(key, record), nowMs);
    if (opened.kind === 'refused') return opened;
    const { seq, state, charged } = opened.entry;
    if (opened.kind === 'opened') this.#tick(nowMs + TICK_MS);
    const answer = opened.kind === 'repeated' && state === 'settled' ? answers.read(seq, nowMs) : undefined;
    return { kind: opened.kind, seq, state, charged, answer, available: this.#available(), rate: opened.rate };
  }

  /**
   * Charges a request that was answered, once, however often it is called.
   * @param answer to be repeated to the same idempotency key
   */
  settle(seq: number, micros: number, usage: EntryUsage, answer: string | undefined): SettledCall {
    if (this.#open === undefined) return { settled: false, charged: 0, available: 0 };
    const nowMs = Date.now();
    const { ledger, answers } = this.#open;
    const moved = ledger.apply(seq, [{ kind: 'serve', micros, usage }, { kind: 'settle' }], nowMs);
    if (moved?.ok !== true) return { settled: false, charged: 0, available: this.#available() };
    if (moved.changed && answer !== undefined) answers.keep(seq, answer, nowMs);
    this.#tick(nowMs + TICK_MS);
    return { settled: true, charged: moved.entry.charged, available: this.#available() };
  }

  /** Gives back what was reserved for a request that was not answered; false when it was. */
  release(seq: number): boolean {
    return this.#open?.ledger.apply(seq, [{ kind: 'release' }], Date.now())?.ok ?? false;
  }

  /** Several calls in their order, in one turn and so in one commit; one that fails leaves the others alone. */
  callAll(calls: readonly AccountCall[]): readonly AccountResult[] {
    return calls.map((call): AccountResult => {
      try {
        return this.#call(call);
      } catch (thrown) {
        return { kind: 'failed', message: messageOf(thrown) };
      }
    });
  }

  #call(call: AccountCall): AccountResult {
    const { kind } = call;
    if (kind === 'open') return { kind, value: this.open(call.proof, call.request) };
    if (kind === 'settle') return { kind, value: this.settle(call.seq, call.micros, call.usage, call.answer) };
    return { kind, value: this.release(call.seq) };
  }

  /** Up to `limit` entries after `seq`, in order; undefined when there is no account. */
  entries(seq: number, limit: number): readonly Entry[] | undefined {
    return this.#open && createEntryStore(this.ctx.storage).after(seq, limit);
  }

  /** Up to `limit` entries before `seq`, latest first; undefined when there is no account. */
  entriesBefore(seq: number, limit: number): readonly Entry[] | undefined {
    return this.#open && createEntryStore(this.ctx.storage).before(seq, limit);
  }

  /** What reconciliation needs beside the entries: sums, and which entries have been published; undefined when there is no account. Reads every entry. */
  standing(): (Standing & Pick<Checkpoint, 'seq' | 'open'>) | undefined {
    if (this.#open === undefined) return undefined;
    const store = createEntryStore(this.ctx.storage);
    const { seq, open } = store.checkpoint() ?? { seq: 0, open: [] };
    const { balance, held } = this.#open.ledger.totals();
    return { ...store.sums(), balance, held, seq, open };
  }

  /** Sweeps what is stale, publishes what has ended, forgets old answers, and comes again while there is anything left to do. */
  override async alarm(): Promise<void> {
    this.#alarmMs = Infinity;
    if (this.#open === undefined) return;
    const { ledger, answers, record } = this.#open;
    const nowMs = Date.now();
    const { request_ms: requestMs } = openUpstream(this.env);
    const swept = ledger.sweep(nowMs, requestMs);
    this.ctx.waitUntil(tellSwept(this.env, swept));
    const batch = ledger.unpublished();
    if (batch !== undefined) {
      try {
        const events = batch.ended.flatMap((entry) => usageEvent(record.id, entry) ?? []);
        for (const message of usageMessages(record.id, events)) await this.env.USAGE?.send(message);
        ledger.published(batch);
      } catch (cause) {
        logFailure('account: expected the queue to take events', record.id, cause);
      }
    }
    const answerMs = answers.forget(nowMs);
    const busy = batch !== undefined || swept.length > 0;
    this.#tick(Math.max(nowMs + 1, Math.min(busy ? nowMs + TICK_MS : Infinity, ledger.nextSweepMs(requestMs), answerMs)));
  }

  #load(record: AccountRecord): Open {
    migrate(this.ctx.storage, TABLES);
    const rows = this.ctx.storage.sql.exec<{ record: string }>('SELECT record FROM keys').toArray();
    const keys = new Map(rows.map(({ record: text }) => readKey(text)).map((key) => [key.id, key]));
    return { record, keys, ledger: createLedger(createEntryStore(this.ctx.storage)), answers: createAnswerStore(this.ctx.storage) };
  }

  #keep(record: KeyRecord): KeyRecord {
    this.ctx.storage.sql.exec('INSERT OR REPLACE INTO keys VALUES (?, ?)', record.id, JSON.stringify(record));
    this.#open?.keys.set(record.id, record);
    return record;
  }

  /** The key's record when the secret is one of its own and it is good now. Unknown ids take the same steps as wrong secrets. */
  #check({ key, sha256 }: KeyProof, nowMs: number): KeyRecord | undefined {
    const record = this.#open?.keys.get(key) ?? NOBODY;
    const matching = record.secrets.filter((secret) => equalText(secret.sha256, sha256) && nowMs < (secret.until_ms ?? Infinity));
    const good = record.revoked_ms === undefined && nowMs < (record.expires_ms ?? Infinity);
    return matching.length > 0 && good ? record : undefined;
  }

  #available(): number {
    const { balance, held } = this.#open?.ledger.totals() ?? { balance: 0, held: 0 };
    return balance - held;
  }

  /** Wakes the object at a time unless it will wake earlier anyway. */
  #tick(atMs: number): void {
    if (atMs >= this.#alarmMs) return;
    this.#alarmMs = atMs;
    void this.ctx.storage.setAlarm(atMs);
  }
}

function tenantOf({ id, scopes, experts, configs }: KeyRecord, account: string): Tenant {
  return { account, key: id, scopes, ...(experts !== undefined && { experts }), ...(configs !== undefined && { configs }) };
}

function limitsOf(key: KeyRecord, account: AccountRecord): Limits {
  return { requestsPerMinute: key.requests_per_minute, keySpend: key.spend_limit, accountSpend: account.spend_limit };
}

/** What `#keep` wrote; the object is the only writer of its tables. */
function readKey(text: string): KeyRecord {
  return JSON.parse(text);
}

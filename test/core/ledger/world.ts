// A ledger in a world that fails: callers retry, deliveries come twice or not at all, the store fails within a transaction, memory is lost. Beside
// it a reference that knows only what callers were told, and adds up in its own way.

import { expect } from 'vitest';
import type { EntryUsage } from '../../../src/core/ledger/entry.ts';
import { createLedger, type Ledger, type Opened } from '../../../src/core/ledger/ledger.ts';
import type { Limits } from '../../../src/core/ledger/limits.ts';
import { reconcile, type Finding } from '../../../src/core/ledger/reconcile.ts';
import { usageEvent, type UsageEvent } from '../../../src/core/ledger/usage-event.ts';
import { createMemoryStore } from './memory-store.ts';

/** One thing that happens. `pick` chooses among the latest requests. */
export type Step =
  | { readonly kind: 'open'; readonly key: number; readonly name: number | undefined; readonly body: number; readonly micros: number }
  | { readonly kind: 'settle'; readonly pick: number; readonly micros: number }
  | { readonly kind: 'release'; readonly pick: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'sweep' }
  | { readonly kind: 'crash' }
  | { readonly kind: 'credit'; readonly id: number; readonly micros: number }
  | { readonly kind: 'publish'; readonly fate: 'once' | 'twice' | 'unacknowledged' | 'lost' };

export const LIMITS: readonly Limits[] = [
  { requestsPerMinute: 6, keySpend: { micros: 3_000, period: 'day' }, accountSpend: { micros: 200_000, period: 'month' } },
  { requestsPerMinute: undefined, keySpend: undefined, accountSpend: { micros: 200_000, period: 'month' } },
];
const ACCOUNT = 'account';
const START_MS = Date.UTC(2026, 10, 30, 23, 50);
const USAGE: EntryUsage = { answers: 1, tokens: 7, configs: ['0123456789abcdef'], experts: ['cola'] };
/** Longest request. */
const REQUEST_MS = 10_000;
/** Requests that later steps may pick. */
const RECENT = 8;

/** A request as its caller knows it. */
interface Told {
  readonly key: number;
  readonly openedMs: number;
  readonly held: number;
  changedMs: number;
  state: 'open' | 'unknown' | 'charged' | 'free';
  charged: number;
}

export interface World {
  /** Requests that were opened so far. */
  requests(): number;
  step(step: Step): void;
  /** The same step while the store throws after so many writes; whoever asked asks again. */
  stepWithFailure(step: Step, writes: number): void;
  /** Lets time pass until nothing is open, publishes the rest, and compares all books. Returns what was charged. */
  end(): Promise<{ readonly requests: number; readonly charged: number; readonly findings: readonly Finding[]; readonly rows: number }>;
}

export function createWorld(limits: readonly Limits[] = LIMITS): World {
  const store = createMemoryStore();
  let ledger: Ledger = createLedger(store);
  let nowMs = START_MS;
  const told = new Map<number, Told>();
  const openOnes = new Set<number>();
  const names = new Map<string, { body: number; seq: number }>();
  const credits = new Map<number, number>();
  const log = new Map<number, UsageEvent>();
  const spentOn = new Map<string, number>();
  const openedIn = new Map<string, number>();
  let recent: number[] = [];
  let paidIn = 0;
  let charged = 0;
  let held = 0;

  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const add = (sums: Map<string, number>, name: string, amount: number): void => void sums.set(name, (sums.get(name) ?? 0) + amount);
  /** Moves the caller's view of a request, and every sum with it. */
  const tell = (request: Told, seq: number, state: Told['state'], cost: number): void => {
    const value = (known: Told['state'], micros: number): number => (known === 'open' || known === 'unknown' ? request.held : micros);
    const before = value(request.state, request.charged);
    const after = value(state, cost);
    for (const name of [`${request.key} ${day(request.openedMs)}`, `all ${day(request.openedMs).slice(0, 7)}`])
      add(spentOn, name, after - before);
    charged += cost - request.charged;
    const isHeld = (known: Told['state']): number => (known === 'open' || known === 'unknown' ? request.held : 0);
    held += isHeld(state) - isHeld(request.state);
    if (state === 'open' || state === 'unknown') openOnes.add(seq);
    else openOnes.delete(seq);
    request.state = state;
    request.charged = cost;
    request.changedMs = nowMs;
  };
  const expectedRefusal = (key: number, micros: number): string | undefined => {
    const { requestsPerMinute, keySpend, accountSpend } = limits[key] ?? {};
    if (requestsPerMinute !== undefined && (openedIn.get(`${key} ${Math.floor(nowMs / 60_000)}`) ?? 0) >= requestsPerMinute)
      return 'rate_limited';
    if (micros === 0) return undefined;
    if (keySpend !== undefined && (spentOn.get(`${key} ${day(nowMs)}`) ?? 0) + micros > keySpend.micros) return 'payment_required';
    if (accountSpend !== undefined && (spentOn.get(`all ${day(nowMs).slice(0, 7)}`) ?? 0) + micros > accountSpend.micros)
      return 'payment_required';
    return paidIn - charged - held < micros ? 'payment_required' : undefined;
  };

  const open = ({ key, name, body, micros }: Extract<Step, { kind: 'open' }>): void => {
    const named = name === undefined ? undefined : `${key} ${name}`;
    const earlier = named === undefined ? undefined : names.get(named);
    const request = earlier && told.get(earlier.seq);
    const request_ = { key: `key-${key}`, idempotency: name === undefined ? undefined : `n${name}`, bodyHash: `b${body}`, micros };
    const opened: Opened = ledger.open({ ...request_, request: 'r', operation: 'predict' }, limits[key] ?? limits[0], nowMs);
    const outcome = opened.kind === 'refused' ? opened.refusal.code : opened.kind;
    if (earlier !== undefined && earlier.body !== body) {
      expect(outcome).toBe('conflict');
      return;
    }
    if (request?.state === 'charged' || request?.state === 'open') {
      expect(outcome).toBe('repeated');
      return;
    }
    const again = request?.state === 'unknown';
    expect(outcome).toBe(expectedRefusal(key, again ? 0 : micros) ?? 'opened');
    if (opened.kind === 'refused') return;
    const { seq } = opened.entry;
    if (again) {
      expect(seq).toBe(earlier?.seq);
      tell(request, seq, 'open', 0);
    } else {
      const fresh: Told = { key, openedMs: nowMs, held: micros, changedMs: nowMs, state: 'free', charged: 0 };
      expect(told.has(seq)).toBe(false);
      told.set(seq, fresh);
      add(openedIn, `${key} ${Math.floor(nowMs / 60_000)}`, 1);
      tell(fresh, seq, 'open', 0);
      if (named !== undefined) names.set(named, { body, seq });
    }
    recent = [...recent.slice(1 - RECENT), seq];
  };
  const picked = (pick: number): [number, Told] | undefined => {
    const seq = recent[pick % Math.max(1, recent.length)];
    const request = seq === undefined ? undefined : told.get(seq);
    return seq === undefined || request === undefined ? undefined : [seq, request];
  };
  const settle = ({ pick, micros }: Extract<Step, { kind: 'settle' }>): void => {
    const [seq, request] = picked(pick) ?? [];
    if (seq === undefined || request === undefined) return;
    const moved = ledger.apply(seq, [{ kind: 'serve', micros, usage: USAGE }, { kind: 'settle' }], nowMs);
    expect(moved?.ok).toBe(request.state !== 'free');
    if (request.state === 'open' || request.state === 'unknown') tell(request, seq, 'charged', Math.min(micros, request.held));
    if (moved?.ok === true) expect(moved.entry.charged).toBe(request.charged);
  };
  const release = ({ pick }: Extract<Step, { kind: 'release' }>): void => {
    const [seq, request] = picked(pick) ?? [];
    if (seq === undefined || request === undefined) return;
    const moved = ledger.apply(seq, [{ kind: 'release' }], nowMs);
    expect(moved?.ok).toBe(request.state !== 'charged');
    if (request.state === 'open' || request.state === 'unknown') tell(request, seq, 'free', 0);
  };
  const sweep = (): void => {
    while (ledger.sweep(nowMs, REQUEST_MS).length > 0);
    for (const seq of openOnes) {
      const request = told.get(seq);
      if (request?.state === 'open' && request.changedMs + 30_000 <= nowMs) tell(request, seq, 'unknown', 0);
      else if (request?.state === 'unknown' && request.changedMs + 3_600_000 <= nowMs) tell(request, seq, 'free', 0);
    }
  };
  const publish = (fate: Extract<Step, { kind: 'publish' }>['fate']): boolean => {
    const batch = ledger.unpublished();
    if (batch === undefined) return false;
    const events = batch.ended.flatMap((entry) => usageEvent(ACCOUNT, entry) ?? []);
    const deliver = (): void => {
      for (const event of [...events].reverse()) {
        if (log.has(event.seq)) expect(log.get(event.seq)).toEqual(event);
        log.set(event.seq, event);
      }
    };
    if (fate !== 'lost') deliver();
    if (fate === 'twice') deliver();
    if (fate === 'once' || fate === 'twice') ledger.published(batch);
    if (fate === 'twice') ledger.published(batch);
    return true;
  };
  const credit = ({ id, micros }: Extract<Step, { kind: 'credit' }>): void => {
    expect(ledger.credit({ id: String(id), micros, atMs: nowMs })).toBe(!credits.has(id));
    if (credits.has(id)) return;
    credits.set(id, micros);
    paidIn += micros;
  };
  const run = (step: Step): void => {
    if (step.kind === 'open') open(step);
    else if (step.kind === 'settle') settle(step);
    else if (step.kind === 'release') release(step);
    else if (step.kind === 'wait') nowMs += step.ms;
    else if (step.kind === 'sweep') sweep();
    else if (step.kind === 'crash') ledger = createLedger(store);
    else if (step.kind === 'credit') credit(step);
    else publish(step.fate);
  };
  const check = (): void => {
    const { balance, held: counted } = ledger.totals();
    if (balance < 0 || counted > balance || balance !== paidIn - charged || counted !== held)
      expect({ balance, held: counted }).toEqual({ balance: paidIn - charged, held });
  };
  return {
    requests: () => told.size,
    step(step) {
      run(step);
      check();
    },
    stepWithFailure(step, writes) {
      store.failAfter(writes);
      try {
        run(step);
      } catch (thrown) {
        if (!(thrown instanceof Error) || thrown.message !== 'the store failed') throw thrown;
        ledger = createLedger(store);
        run(step);
      }
      store.failAfter(Infinity);
      check();
    },
    async end() {
      for (let i = 0; i < 3; i++) {
        nowMs += 3_600_001;
        sweep();
      }
      while (publish('once'));
      check();
      expect(held).toBe(0);
      const rebuilt = createLedger(store);
      expect(rebuilt.totals()).toEqual(ledger.totals());
      expect([...log.values()].reduce((sum, { micros }) => sum + micros, 0)).toBe(charged);
      expect(log.size).toBe([...told.values()].filter(({ state }) => state === 'charged').length);
      const entries = [...store.entries.values()];
      const settled = entries.filter(({ state }) => state === 'settled').reduce((sum, entry) => sum + entry.charged, 0);
      const standing = {
        balance: ledger.totals().balance,
        held: ledger.totals().held,
        paidIn,
        chargedByEntries: settled,
        heldByEntries: 0,
      };
      const findings = await reconcile({
        account: ACCOUNT,
        standing,
        entries: inOrder(entries),
        events: inOrder([...log.values()]),
        isDue: () => true,
      });
      return { requests: told.size, charged, findings, rows: store.rows() };
    },
  };
}

async function* inOrder<T extends { readonly seq: number }>(items: readonly T[]): AsyncGenerator<T> {
  yield* [...items].sort((a, b) => a.seq - b.seq);
}

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, expect, test, vi } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import type { EntryUsage } from '../../../src/core/ledger/entry.ts';
import { sha256Hex } from '../../../src/edge/sha256.ts';
import { createPaidHarness } from './harness.ts';

afterEach(() => void vi.restoreAllMocks());

const STEPS = 600;
const CREDIT = 1_500;
const USAGE: EntryUsage = { answers: 1, tokens: 1, configs: [], experts: [] };

/** A request as its caller knows it. */
interface Told {
  readonly held: number;
  readonly body: number;
  changedMs: number;
  state: 'open' | 'unknown' | 'charged' | 'free';
  charged: number;
}

test('the real object, evicted, retried, swept and published in any order, agrees with what its callers were told', async () => {
  const random = createRandom(7, 'account');
  let nowMs = Date.now();
  vi.spyOn(Date, 'now').mockImplementation(() => nowMs);
  const { admin, customer, accounts } = createPaidHarness();
  const { id, key, keyId } = await customer(CREDIT);
  const account = () => accounts.accounts.getByName(id);
  const proof = { key: keyId, sha256: await sha256Hex(key) };
  const told = new Map<number, Told>();
  const names = new Map<number, number>();
  const sum = (pick: (request: Told) => number): number => [...told.values()].reduce((total, request) => total + pick(request), 0);
  const isOpen = ({ state }: Told): boolean => state === 'open' || state === 'unknown';
  const charged = (): number => sum((request) => request.charged);
  const held = (): number => sum((request) => (isOpen(request) ? request.held : 0));
  const some = (): [number, Told] | undefined => [...told].at(-1 - random.below(Math.max(1, Math.min(8, told.size))));
  const tell = (request: Told, state: Told['state'], micros = 0): void => {
    Object.assign(request, { state, charged: micros, changedMs: nowMs });
  };
  const counts = { opened: 0, refused: 0, repeated: 0, conflict: 0 };

  async function open(): Promise<void> {
    const name = random.below(2) === 0 ? random.below(40) : undefined;
    const body = random.below(8) === 0 ? 1 : 0;
    const micros = random.below(60);
    const known = name === undefined ? undefined : names.get(name);
    const request = known === undefined ? undefined : told.get(known);
    const call = {
      key: keyId,
      idempotency: name === undefined ? undefined : String(name),
      bodyHash: String(body),
      micros,
      request: 'r',
      operation: 'predict',
    };
    const opened = await account().open(proof, call);
    if (request !== undefined && request.body !== body) {
      expect(opened).toMatchObject({ kind: 'refused', refusal: { code: 'conflict' } });
      counts.conflict += 1;
    } else if (request?.state === 'charged' || request?.state === 'open') {
      expect(opened).toMatchObject({ kind: 'repeated', seq: known, charged: request.charged });
      counts.repeated += 1;
    } else if (request?.state === 'unknown') {
      expect(opened).toMatchObject({ kind: 'opened', seq: known });
      tell(request, 'open');
    } else if (CREDIT - charged() - held() < micros) {
      expect(opened).toMatchObject({ kind: 'refused', refusal: { code: 'payment_required', limit: 'balance' } });
      counts.refused += 1;
    } else {
      if (opened.kind !== 'opened') throw new Error(`expected to be opened, got ${JSON.stringify(opened)}`);
      told.set(opened.seq, { held: micros, body, changedMs: nowMs, state: 'open', charged: 0 });
      if (name !== undefined) names.set(name, opened.seq);
      counts.opened += 1;
    }
  }
  async function settle(): Promise<void> {
    const [seq, request] = some() ?? [];
    if (seq === undefined || request === undefined) return;
    const micros = random.below(80);
    const cost = request.state === 'charged' ? request.charged : Math.min(micros, request.held);
    for (let times = random.below(2); times >= 0; times--) {
      const settled = await account().settle(seq, micros, USAGE, undefined);
      expect(settled).toMatchObject(request.state === 'free' ? { settled: false } : { settled: true, charged: cost });
      if (isOpen(request)) tell(request, 'charged', cost);
    }
  }
  async function release(): Promise<void> {
    const [seq, request] = some() ?? [];
    if (seq === undefined || request === undefined) return;
    expect(await account().release(seq)).toBe(request.state !== 'charged');
    if (isOpen(request)) tell(request, 'free');
  }
  async function wake(): Promise<void> {
    nowMs += random.below(3) === 0 ? 3_601_000 : random.below(40_000);
    if (!(await runDurableObjectAlarm(account()))) return;
    for (const request of told.values()) {
      if (request.state === 'open' && request.changedMs + 30_000 <= nowMs) tell(request, 'unknown');
      else if (request.state === 'unknown' && request.changedMs + 3_600_000 <= nowMs) tell(request, 'free');
    }
  }

  for (let step = 0; step < STEPS; step++) {
    const draw = random.below(20);
    if (draw < 9) await open();
    else if (draw < 15) await settle();
    else if (draw < 17) await release();
    else if (draw < 19) await wake();
    else await evictDurableObject(account());
    const standing = await account().standing();
    expect(standing).toMatchObject({ balance: CREDIT - charged(), held: held(), chargedByEntries: charged(), heldByEntries: held() });
    expect(CREDIT - charged() - held()).toBeGreaterThanOrEqual(0);
  }
  for (let i = 0; i < 4; i++) await wake();
  nowMs += 7_300_000;
  for (let i = 0; i < 3; i++) await runDurableObjectAlarm(account());
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(5);
  await vi.waitFor(async () => expect((await admin('GET', `reconcile?account=${id}&grace_seconds=0`)).body.findings).toEqual([]), {
    timeout: 30_000,
    interval: 500,
  });
  const log = await accounts.logs.getByName(id).list(0, STEPS);
  expect(log.map(({ seq, micros }) => [seq, micros])).toEqual(
    [...told].filter(([, { state }]) => state === 'charged').map(([seq, request]) => [seq, request.charged]),
  );
});

test('a request writes two rows, and one for an answer that is kept', async () => {
  const { customer } = createPaidHarness();
  const { stub, predict } = await customer();
  await predict();
  const rows = async (headers: Record<string, string>): Promise<number> => {
    const before = await written(stub);
    await predict({ text: 'a' }, headers);
    return (await written(stub)) - before;
  };
  // SQLite's counter leaves out the index, which is one more with an idempotency key.
  expect([await rows({}), await rows({ 'idempotency-key': 'x' })]).toEqual([2, 3]);
});

/** Rows that the object has written, counted by SQLite's own counter of changes. */
function written(stub: ReturnType<ReturnType<typeof createPaidHarness>['accounts']['accounts']['getByName']>): Promise<number> {
  return runInDurableObject(stub, (_account, { storage }) => storage.sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n);
}

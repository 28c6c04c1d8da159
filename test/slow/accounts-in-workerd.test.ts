// Ten thousand requests through the Worker in workerd, its Durable Objects and its queue: origins fail, callers repeat, give up and hang up, and the
// edge is stopped and started half way. What callers were told is held against the ledger, and the ledger against its export.

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { StatementAnswer, type StatementLine } from '../../src/contract/usage.ts';
import { createRandom } from '../../src/core/random.ts';
import { adminOf, openCustomer } from '../helpers/customer.ts';
import { startTinyDeployment, type Hop, type TinyDeployment } from '../helpers/tiny-deployment.ts';
import { TINY_EXPERTS, tinyText } from '../helpers/tiny-pack.ts';

const REQUESTS = 10_000;
const AT_ONCE = 24;
const ROOT = 'a root secret for this test, long enough';
const PRICES = { answer: { request: 100, per_1000_tokens: 1000 } };
const CREDIT = 1e9;

const random = createRandom(23, 'workerd');
let deployment: TinyDeployment;

/** Passes most requests on; answers 500, drops, or dawdles with the rest. */
const pass: Hop = async (_, response, passOn) => {
  const draw = random.below(100);
  if (draw < 6) response.writeHead(500).end();
  else if (draw < 8) response.destroy();
  else {
    if (draw < 10) await new Promise((resolve) => void setTimeout(resolve, 300));
    await passOn();
  }
};

beforeAll(async () => {
  deployment = await startTinyDeployment(pass);
});

afterAll(() => deployment.close());

/** What the caller of one request knows in the end. */
interface Told {
  answered: boolean;
  /** What an answer said that it cost. */
  readonly costs: Set<string>;
  /** Whether an attempt ended without a status. */
  unsure: boolean;
}

test('ten thousand requests: what was answered is charged once, what failed is not, and all books agree', async () => {
  const start = () => deployment.startEdge({ ADMIN_SECRET: ROOT, PRICES: JSON.stringify(PRICES) }, 'kept');
  let edge = await start();
  const ask = async (secret: string, path: string, body?: object, init: RequestInit = {}): Promise<Response> =>
    fetch(edge.url + path, {
      ...init,
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...Object.fromEntries(new Headers(init.headers)) },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
  const admin = adminOf(() => edge.url, ROOT);
  const { id, key } = await openCustomer(admin, CREDIT, ['predict', 'admin-read']);

  const told = new Map<string, Told>();
  const statuses = new Map<string, number>();
  async function attempt(name: string, number: number, named: boolean, known: Told): Promise<void> {
    const expert = TINY_EXPERTS[random.below(TINY_EXPERTS.length)]?.name ?? '';
    const hurried = random.below(30) === 0;
    const hangsUp = random.below(40) === 0;
    const headers: Record<string, string> = { 'x-request-id': `${name}.${number}` };
    if (named) headers['idempotency-key'] = name;
    if (hurried) headers['x-request-timeout-ms'] = '20';
    try {
      const signal = AbortSignal.timeout(hangsUp ? 1 + random.below(20) : 60_000);
      const text = tinyText(named ? 'birds' : expert, named ? Number(name.slice(1)) : random.below(1000));
      const response = await ask(key, '/v1/predict', { text }, { headers, signal });
      await response.arrayBuffer();
      statuses.set(String(response.status), (statuses.get(String(response.status)) ?? 0) + 1);
      if (response.status !== 200) return;
      known.answered = true;
      known.costs.add(response.headers.get('x-usage-micros') ?? 'none');
    } catch {
      statuses.set('none', (statuses.get('none') ?? 0) + 1);
      known.unsure = true;
    }
  }
  async function request(name: string): Promise<void> {
    const known: Told = { answered: false, costs: new Set(), unsure: false };
    told.set(name, known);
    const named = random.below(2) === 0;
    const twins = named && random.below(4) === 0 ? 2 : 1;
    await Promise.all(Array.from({ length: twins }, (_, i) => attempt(name, i, named, known)));
    if (!named) return;
    for (let number = twins; number < twins + 2; number++) if (!known.answered) await attempt(name, number, named, known);
    if (known.answered && random.below(10) === 0) await attempt(name, 9, named, known);
  }
  let next = 0;
  const startedAt = performance.now();
  const run = (to: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (next < to) await request(`r${next++}`);
      }),
    );
  // Stopped with requests under way, and started on what it wrote.
  const firstHalf = run(REQUESTS / 2);
  await vi.waitUntil(() => next >= REQUESTS / 2 - AT_ONCE, { timeout: 600_000, interval: 20 });
  await edge.close();
  await firstHalf;
  edge = await start();
  await run(REQUESTS);
  const seconds = (performance.now() - startedAt) / 1000;

  const lines: StatementLine[] = [];
  for (let after: number | undefined = 0; after !== undefined;) {
    const page: z.infer<typeof StatementAnswer> = z.parse(
      StatementAnswer,
      await (await ask(key, `/v1/statement?limit=1000&after=${after}`)).json(),
    );
    lines.push(...page.lines);
    after = page.next;
  }
  const settled = new Map<string, StatementLine[]>();
  const open = new Set<string>();
  for (const line of lines) {
    const name = line.request.split('.')[0] ?? '';
    if (line.state === 'settled') settled.set(name, [...(settled.get(name) ?? []), line]);
    else if (line.state !== 'released') open.add(name);
  }
  let [lost, double, unearned] = [0, 0, 0];
  for (const [name, { answered, costs, unsure }] of told) {
    const charges = settled.get(name) ?? [];
    if (answered && charges.length === 0) lost += 1;
    if (charges.length > 1) double += 1;
    if (!answered && !unsure && charges.length > 0) unearned += 1;
    for (const cost of costs) expect(charges.map(({ charged_micros: micros }) => String(micros))).toContain(cost);
  }
  // Money may still be held only for those whose caller, or whose edge, went away.
  const heldByMistake = [...open].filter((name) => told.get(name)?.unsure !== true);
  console.log(
    `${told.size} requests, statuses ${JSON.stringify(Object.fromEntries(statuses))}, ${lines.length} entries, ${settled.size} charged, ` +
      `${open.size} open; ${lost} lost, ${double} double, ${unearned} charged without an answer; ${(REQUESTS / seconds).toFixed(0)} requests/s`,
  );
  expect({ lost, double, unearned, heldByMistake }).toEqual({ lost: 0, double: 0, unearned: 0, heldByMistake: [] });
  const charged = [...settled.values()].flat().reduce((sum, { charged_micros: micros }) => sum + micros, 0);
  const account = await admin(z.object({ balance_micros: z.number(), held_micros: z.number() }), `accounts/${id}`);
  expect(account.balance_micros).toBe(CREDIT - charged);
  // What an account has not published yet is no finding: it publishes 500 entries at a time.
  const settledLines = [...settled.values()].flat().length;
  await vi.waitFor(
    async () => {
      const exported = (await (await ask(ROOT, `/admin/v1/export?account=${id}`)).text()).split('\n').filter(Boolean);
      expect(exported).toHaveLength(settledLines);
      const { findings } = await admin(z.object({ findings: z.array(z.unknown()) }), 'reconcile?grace_seconds=0');
      expect(findings.slice(0, 5)).toEqual([]);
    },
    { timeout: 120_000, interval: 2_000 },
  );
  await edge.close();
});

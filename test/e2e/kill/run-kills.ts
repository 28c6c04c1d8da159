// Steady load on an edge while its origins are killed one after the other, and the audit of it: what callers saw, and what it cost them.

import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { ReconcileAnswer } from '../../../src/contract/admin.ts';
import { Prediction } from '../../../src/contract/http.ts';
import { StatementAnswer, type StatementLine } from '../../../src/contract/usage.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import { TINY_EXPERTS, tinyText } from '../../helpers/tiny-pack.ts';
import { CREDIT, type TwoOrigins } from './two-origins.ts';

/** How much is done to them. */
export interface KillOptions {
  readonly seed: number;
  /** Origins are killed so often, in turns. */
  readonly kills: number;
  /** Callers with one request after the other. */
  readonly callers: number;
  /** Callers with one stream after the other. */
  readonly readers: number;
  /** How long both origins are well, before the first kill and after each restart. */
  readonly calmMs: number;
  /** How long one is missed. */
  readonly missedMs: number;
  /** Every third time the origin stands still for so long before it is killed. */
  readonly frozenMs: number;
}

/** What callers saw and paid. */
export interface KillReport {
  /** Single requests by status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly streams: number;
  /** Lines of streams that were no predictions, and streams without an end. */
  readonly brokenLines: number;
  readonly answers: number;
  /** Answers by the number of attempts that they took. */
  readonly attempts: Readonly<Record<number, number>>;
  readonly worstMs: number;
  readonly medianMs: number;
  /** Answered requests without a charge of just their cost; charges without an answer. */
  readonly lost: number;
  readonly unearned: number;
  /** Charged beyond what the requests cost, in micros. */
  readonly excess: number;
  readonly held: number;
  readonly findings: readonly unknown[];
  /** Charged entries that were compared with the origins' books, and receipts that nobody paid for. */
  readonly charged: number;
  readonly uncharged: number;
}

const LINES = 24;
const Line = z.object({
  index: z.optional(z.number()),
  prediction: z.optional(Prediction),
  summary: z.optional(z.object({ id: z.string(), charge: z.object({ micros: z.number() }) })),
});

/** Runs the load and the kills, then looks through the books. */
export async function runKills(deployment: TwoOrigins, options: KillOptions): Promise<KillReport> {
  const random = createRandom(options.seed, 'kills');
  const watch = new Load(deployment, random);
  const load = [
    ...Array.from({ length: options.callers }, () => watch.callUntilDone()),
    ...Array.from({ length: options.readers }, () => watch.readUntilDone()),
  ];
  await sleep(options.calmMs);
  for (let i = 0; i < options.kills; i++) {
    const victim = i % 2 === 0 ? 0 : 1;
    await deployment.kill(victim, i % 3 === 2 ? options.frozenMs : 0);
    await sleep(options.missedMs);
    await deployment.restart(victim);
    await sleep(options.calmMs);
  }
  watch.done = true;
  await Promise.all(load);
  return { ...watch.seen(), ...(await audit(deployment, watch.costs)) };
}

/** Callers and what they were told. */
class Load {
  done = false;
  /** Cost by request, as its answer told it. */
  readonly costs = new Map<string, number>();
  readonly #statuses: Record<string, number> = {};
  readonly #attempts: Record<number, number> = {};
  readonly #milliseconds: number[] = [];
  #answers = 0;
  #streams = 0;
  #brokenLines = 0;
  readonly #deployment: TwoOrigins;
  readonly #random: Random;

  constructor(deployment: TwoOrigins, random: Random) {
    this.#deployment = deployment;
    this.#random = random;
  }

  async callUntilDone(): Promise<void> {
    while (!this.done) {
      const startMs = performance.now();
      const response = await this.#ask(this.#question(), 'application/json');
      const body: unknown = await response.json();
      this.#milliseconds.push(performance.now() - startMs);
      this.#statuses[response.status] = (this.#statuses[response.status] ?? 0) + 1;
      if (response.status === 200) {
        const prediction = z.parse(Prediction, body);
        this.#note(prediction);
        this.costs.set(prediction.id, Number(response.headers.get('x-usage-micros')));
      }
      await sleep(this.#random.below(40));
    }
  }

  async readUntilDone(): Promise<void> {
    while (!this.done) {
      const inputs = Array.from({ length: LINES }, () => this.#question());
      const response = await this.#ask({ inputs }, 'application/x-ndjson');
      const lines = (await response.text()).split('\n').filter(Boolean);
      this.#streams += 1;
      const parsed = lines.map((line) => z.parse(Line, JSON.parse(line)));
      const predictions = parsed.flatMap(({ prediction }) => (prediction === undefined ? [] : [prediction]));
      for (const prediction of predictions) this.#note(prediction);
      const summary = parsed.at(-1)?.summary;
      this.#brokenLines += LINES - predictions.length + (summary === undefined ? 1 : 0);
      if (summary !== undefined) this.costs.set(summary.id, summary.charge.micros);
      await sleep(this.#random.below(40));
    }
  }

  seen(): Pick<KillReport, 'statuses' | 'streams' | 'brokenLines' | 'answers' | 'attempts' | 'worstMs' | 'medianMs'> {
    const sorted = this.#milliseconds.toSorted((a, b) => a - b);
    return {
      statuses: this.#statuses,
      streams: this.#streams,
      brokenLines: this.#brokenLines,
      answers: this.#answers,
      attempts: this.#attempts,
      worstMs: sorted.at(-1) ?? 0,
      medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0,
    };
  }

  #question(): object {
    const { name } = TINY_EXPERTS[this.#random.below(TINY_EXPERTS.length)];
    return { text: tinyText(name, this.#random.below(1000)), explain: true };
  }

  #ask(body: object, accept: string): Promise<Response> {
    return fetch(`${this.#deployment.url}/v1/predict`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#deployment.customer.key}`, 'content-type': 'application/json', accept },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
  }

  #note({ explain }: Prediction): void {
    this.#answers += 1;
    const attempts = explain?.attempts ?? 0;
    this.#attempts[attempts] = (this.#attempts[attempts] ?? 0) + 1;
  }
}

/** Holds what was told against the account, and lets the edge hold its books against those of the origins. */
async function audit(
  { url, admin, customer }: TwoOrigins,
  costs: ReadonlyMap<string, number>,
): Promise<Pick<KillReport, 'lost' | 'unearned' | 'excess' | 'held' | 'findings' | 'charged' | 'uncharged'>> {
  const lines: StatementLine[] = [];
  for (let after: number | undefined = 0; after !== undefined;) {
    const response = await fetch(`${url}/v1/statement?limit=1000&after=${after}`, { headers: { authorization: `Bearer ${customer.key}` } });
    const page: z.infer<typeof StatementAnswer> = z.parse(StatementAnswer, await response.json());
    lines.push(...page.lines);
    after = page.next;
  }
  const charges = lines.filter(({ state }) => state === 'settled');
  const paid = new Map(charges.map(({ request, charged_micros: micros }) => [request, micros]));
  const told = [...costs.values()].reduce((sum, micros) => sum + micros, 0);
  const account = await admin(z.object({ balance_micros: z.number(), held_micros: z.number() }), `accounts/${customer.id}`);
  const reconciled = await waitUntilPublished(admin);
  const { receipts } = reconciled;
  return {
    lost: [...costs].filter(([request, micros]) => paid.get(request) !== micros).length,
    unearned: charges.filter(({ request }) => !costs.has(request)).length,
    excess: CREDIT - account.balance_micros - told,
    held: account.held_micros,
    findings: reconciled.findings,
    charged: receipts?.charged ?? 0,
    uncharged: Object.values<number>(receipts?.uncharged ?? {}).reduce((sum, count) => sum + count, 0),
  };
}

/** What an account has not published yet is no finding; it takes a second or a few. */
async function waitUntilPublished(admin: TwoOrigins['admin']): Promise<z.infer<typeof ReconcileAnswer>> {
  for (let tries = 0; ; tries++) {
    const answer = await admin(ReconcileAnswer, 'reconcile?grace_seconds=0');
    if (tries === 60 || answer.findings.every(({ kind }) => kind !== 'missing')) return answer;
    await sleep(500);
  }
}

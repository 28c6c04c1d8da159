// Buyers who behave as buyers do, against a facilitator, an origin, connections and an edge that fail at random: what each of them lost and got is
// held against the facilitator's chain.

import { createRandom } from '../../../src/core/random.ts';
import type { Fault } from '../../helpers/facilitator.ts';
import { tinyText } from '../../helpers/tiny-pack.ts';
import { createBuyer, type PaidEdge } from './paid-edge.ts';

/** How a run goes. */
export interface FaultRun {
  readonly seed: number;
  readonly requests: number;
  readonly atOnce: number;
  /** Whether the facilitator says again what it said of a payment that was made. */
  readonly idempotent: boolean;
  /** Times that workerd ends and starts over the same state. */
  readonly crashes: number;
}

/** What is wrong after a run: none of it may be. */
export interface Violations {
  /** Requests for which a buyer paid more than once. */
  readonly paidTwice: number;
  readonly answeredUnpaid: number;
  /** Repeats that got another answer than the first. */
  readonly answeredTwice: number;
  /** Paid other than the edge said. */
  readonly otherAmount: number;
}

/** What came of it. */
export interface FaultReport {
  readonly violations: Violations;
  readonly answered: number;
  readonly paid: number;
  /** Paid and not answered in the end. */
  readonly unresolved: number;
  /** Responses by status; 0 for none. */
  readonly statuses: Readonly<Record<number, number>>;
}

const VERIFY_FAULTS: readonly Fault[] = ['garbage', 'error', 'cut', 'refuse'];
const SETTLE_FAULTS: readonly Fault[] = ['late', 'garbled', 'lost', 'cut', 'hang', 'garbage', 'error', 'refuse', 'elsewhere'];
/** Tries of one buyer while things fail. */
const TRIES = 12;
/** How long a buyer goes on once they work, in milliseconds: reservations of a process that ended have to end first. */
const LAST_MS = 60_000;

/** Runs it. */
export async function runFaults(edge: PaidEdge, run: FaultRun): Promise<FaultReport> {
  const random = createRandom(run.seed, 'faults');
  const draw = (per100: number): boolean => random.below(100) < per100;
  const one = <T>(items: readonly T[]): T => items[random.below(items.length)];
  const { facilitator, origin } = edge;
  facilitator.idempotent = run.idempotent;
  facilitator.script = (path) => (path === 'verify' ? (draw(15) ? one(VERIFY_FAULTS) : 'none') : draw(45) ? one(SETTLE_FAULTS) : 'none');
  const statuses: Record<number, number> = {};
  let calm = false;

  /** One request of a buyer, until it is answered or given up. */
  const buy = async (index: number) => {
    const scheme = draw(50) ? 'exact' : 'upto';
    const buyer = createBuyer(edge, scheme);
    const body = { text: `${tinyText('stars', index)} ${run.seed} ${index}`, task: 'stars' };
    const answers = new Set<string>();
    const costs = new Set<string>();
    let signature: string | undefined;
    const send = async (sent: string): Promise<void> => {
      const signal = draw(8) && !calm ? AbortSignal.timeout(1 + random.below(300)) : AbortSignal.timeout(30_000);
      try {
        const response = await fetch(`${edge.url()}/v1/predict`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'payment-signature': sent },
          body: JSON.stringify(body),
          signal,
        });
        const text = await response.text();
        statuses[response.status] = (statuses[response.status] ?? 0) + 1;
        if (response.status === 200) {
          answers.add(text);
          costs.add(response.headers.get('x-usage-micros') ?? '');
        }
        // Asked to pay: an honest buyer does, and that may not cost him twice.
        if (response.status === 402) signature = undefined;
      } catch {
        statuses[0] = (statuses[0] ?? 0) + 1;
      }
    };
    const tries = async (most: number, untilMs = Infinity): Promise<void> => {
      for (let i = 0; i < most && answers.size === 0 && Date.now() < untilMs; i++) {
        const sent = (signature ??= await buyer.sign(body).catch(() => undefined));
        // Some are impatient.
        const copies = draw(25) ? 1 + random.below(4) : 1;
        if (sent !== undefined) await Promise.all(Array.from({ length: copies }, () => send(sent)));
        await new Promise((resolve) => void setTimeout(resolve, random.below(150)));
      }
    };
    await tries(TRIES);
    return {
      address: buyer.address,
      answers,
      costs,
      async finish() {
        await tries(Infinity, Date.now() + (run.idempotent ? LAST_MS : 2_000));
        // And once more, for the same answer.
        if (answers.size > 0 && signature !== undefined) await send(signature);
      },
    };
  };

  const indices = Array.from({ length: run.requests }, (_, index) => index);
  const crashEvery = Math.ceil(run.requests / (run.crashes + 1));
  let crashing = Promise.resolve();
  const bought = await mapLimited(indices, run.atOnce, (index) => {
    origin.down = draw(10);
    if (index > 0 && index % crashEvery === 0) crashing = crashing.then(() => edge.restart());
    return buy(index);
  });
  await crashing;
  calm = true;
  origin.down = false;
  facilitator.script = () => 'none';
  await mapLimited(bought, run.atOnce, ({ finish }) => finish());

  const paid = bought.map(({ address }) => facilitator.transfers.filter(({ from }) => from === address));
  const count = (test: (of: (typeof bought)[number], transfers: (typeof paid)[number]) => boolean): number =>
    bought.filter((of, i) => test(of, paid[i] ?? [])).length;
  return {
    violations: {
      paidTwice: count((_, transfers) => transfers.length > 1),
      answeredUnpaid: count(({ answers }, transfers) => answers.size > 0 && transfers.length === 0),
      answeredTwice: count(({ answers }) => answers.size > 1),
      otherAmount: count(({ costs }, transfers) => [...costs].some((cost) => cost !== String(transfers[0]?.amount))),
    },
    answered: count(({ answers }) => answers.size > 0),
    paid: count((_, transfers) => transfers.length === 1),
    unresolved: count(({ answers }, transfers) => answers.size === 0 && transfers.length > 0),
    statuses,
  };
}

/** `items.map(task)`, at most `limit` of them under way at once. */
async function mapLimited<T, R>(items: readonly T[], limit: number, task: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) results[index] = await task(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}

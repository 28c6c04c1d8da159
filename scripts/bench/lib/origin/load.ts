// The origin near and beyond what it can do: capacity, an open loop below it, and twice as many requests as it can answer.

import { createRandom, type Random } from '../../../../src/core/random.ts';
import { estimateQuantiles, estimateStatistic, quantile, type Estimate } from '../statistics.ts';
import { inTurn } from './mixes.ts';
import type { LoadAnswer } from './load-generator.ts';
import type { HttpLab } from './over-http.ts';
import type { LabText } from './texts.ts';

/** A load of requests at random times. */
export interface OpenFigures {
  readonly perSecond: number;
  readonly requests: number;
  /** Good answers, milliseconds from when the request was due. */
  readonly p50: Estimate;
  readonly p99: Estimate;
  readonly p99ByP50: Estimate;
  /** Good answers a second by capacity. */
  readonly goodput: Estimate;
  /** Shares of all requests. */
  readonly refused: number;
  readonly failed: number;
  /** Of the refusals, those that said when to come again. */
  readonly withRetryAfter: number;
  /** Refusals, milliseconds; absent when there were none. */
  readonly refusalP50?: number;
  readonly refusalP99?: number;
}

/** What was measured. */
export interface LoadFigures {
  /** Good answers a second with as many clients as wait for theirs. */
  readonly capacity: Estimate;
  readonly clients: number;
  /** CPU of the load's own process a request, milliseconds. */
  readonly loadCpuMs: number;
  readonly open: OpenFigures;
  readonly overload: OpenFigures;
  /** The same where every request has only so long. */
  readonly hurried: OpenFigures & { readonly deadlineMs: number };
}

const CLIENTS = 128;
/** Seconds at the start of a load that count for nothing: queues fill, hot mixes change. */
const SETTLING = 5;
const DEADLINE_MS = 1000;
/** Of capacity. */
const BELOW = 0.8;
const BEYOND = 2;

/** Good answers of each whole second after the settling, by when they came; requests that were still to be sent then. */
function perSecond(answers: readonly LoadAnswer[], seconds: number): readonly number[] {
  const counts = Array.from({ length: Math.floor(seconds) - SETTLING }, () => 0);
  for (const { doneMs, status } of answers) {
    const second = Math.floor(doneMs / 1000) - SETTLING;
    if (status === 200 && second >= 0 && second < counts.length) counts[second] += 1;
  }
  return counts;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function openFigures(answers: readonly LoadAnswer[], rate: number, seconds: number, capacity: number, random: Random): OpenFigures {
  const counted = answers.filter(({ dueMs }) => dueMs >= 1000 * SETTLING);
  const timesOf = (isOwn: (answer: LoadAnswer) => boolean): number[] => counted.filter(isOwn).map(({ dueMs, doneMs }) => doneMs - dueMs);
  const good = timesOf(({ status }) => status === 200);
  const refusals = counted.filter(({ status }) => status === 429 || status === 503);
  const refusalTimes = Float64Array.from(refusals, ({ dueMs, doneMs }) => doneMs - dueMs).sort();
  const [p50, p99] = estimateQuantiles(good, [0.5, 0.99], random);
  const p99ByP50 = ([values]: readonly (readonly number[])[]): number => {
    const sorted = Float64Array.from(values).sort();
    return quantile(sorted, 0.99) / quantile(sorted, 0.5);
  };
  return {
    perSecond: rate,
    requests: counted.length,
    p50,
    p99,
    p99ByP50: estimateStatistic([good], p99ByP50, random),
    goodput: estimateStatistic([perSecond(answers, seconds)], ([counts]) => mean(counts) / capacity, random),
    refused: refusals.length / counted.length,
    failed: counted.filter(({ status }) => status !== 200 && status !== 429 && status !== 503).length / counted.length,
    withRetryAfter: refusals.filter(({ hasRetryAfter }) => hasRetryAfter).length / Math.max(1, refusals.length),
    ...(refusals.length > 0 && { refusalP50: quantile(refusalTimes, 0.5), refusalP99: quantile(refusalTimes, 0.99) }),
  };
}

/** Measures; every request wants another expert than the one before. */
export async function measureLoad(lab: HttpLab, texts: readonly LabText[], seconds: number): Promise<LoadFigures> {
  const random = createRandom(0, 'load');
  const draw = inTurn(lab.experts);
  const mixes = Array.from({ length: lab.experts }, (_, row) => draw(row, random));
  const bodies = lab.bodies(4096, texts, mixes, random);
  const whole = seconds + SETTLING;
  console.error('— capacity');
  const closed = await lab.load({ bodies, seconds: whole, arrivals: { clients: CLIENTS }, seed: 0 });
  const capacity = estimateStatistic([perSecond(closed.answers, whole)], ([counts]) => mean(counts), random);
  const openLoop = async (share: number, headers: Readonly<Record<string, string>> = {}): Promise<OpenFigures> => {
    const rate = share * capacity.value;
    console.error(`— ${share} of ${capacity.value.toFixed(0)} a second`);
    const { answers } = await lab.load({ bodies, seconds: whole, arrivals: { perSecond: rate }, seed: 1, headers });
    return openFigures(answers, rate, whole, capacity.value, random);
  };
  return {
    capacity,
    clients: CLIENTS,
    loadCpuMs: closed.cpuMs / closed.answers.length,
    open: await openLoop(BELOW),
    overload: await openLoop(BEYOND),
    hurried: { ...(await openLoop(BEYOND, { 'x-request-deadline-ms': String(DEADLINE_MS) })), deadlineMs: DEADLINE_MS },
  };
}

// POST /v1/predict answered as NDJSON: each input's answer leaves as soon as it is ready and the reader asks for it.
//
// The most that the request can cost is set aside at the start. At the end, which is the last line or the moment in which the reader is gone, what
// was handed over is charged at once and the rest of the money is free again. Inputs that are under way then are given up, and cost nothing. An isolate that ends in the middle
// has charged nothing: the account holds the money for an hour at most, and gives it back.

import type { Context } from 'hono';
import type { ErrorBody, Prediction } from '../../contract/http.ts';
import { NDJSON, type PredictLine, type PredictSummary } from '../../contract/predict-lines.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { ReceiptNote } from '../../core/ledger/entry.ts';
import { predictBill, predictBound } from '../accounts/bill.ts';
import type { Reservation } from '../accounts/charged.ts';
import type { Bundles } from '../bundles.ts';
import { BATCH_CONCURRENCY, type AnswerInput } from '../answering.ts';
import { asCompleted } from '../stream/as-completed.ts';
import { linesBody } from '../stream/lines-body.ts';
import type { EdgeTypes } from '../types.ts';
import { answerInput, goodInputs, type BatchInput, type Report } from './batch.ts';

/** How long after the deadline a reader may take for what is ready, in milliseconds; the account takes a reservation for lost after 30 s. */
const DRAIN_MS = 10_000;

/** What streaming needs. */
export interface PredictLinesDeps {
  readonly bundles: Bundles;
  readonly report: Report;
  /** Keeps work running after the request that began it. */
  readonly keepAlive: (work: Promise<unknown>) => void;
}

/** A request for lines. */
export interface PredictLinesJob {
  readonly inputs: readonly BatchInput[];
  /** As it was sent. */
  readonly body: unknown;
  readonly run: AnswerInput;
  /** Ends what is under way; `run` heeds its signal. */
  readonly given: AbortController;
  /** What is left of the deadline, in milliseconds. */
  readonly remainingMs: number;
}

/** The response. @throws {TwinrouteError} what stands in the way before the first line */
export async function predictLines(deps: PredictLinesDeps, c: Context<EdgeTypes>, job: PredictLinesJob): Promise<Response> {
  const reservation = await reserved(deps, c, job);
  if (typeof reservation === 'string') return lines(c, reservation);
  const { inputs, given } = job;
  const report: Report = (thrown, id) => (given.signal.aborted ? gone() : deps.report(thrown, id));
  const answers = asCompleted(
    inputs.length,
    BATCH_CONCURRENCY,
    async (index) => ({ index, answer: await answerInput(report, inputs[index], job.run) }),
    given.signal,
  );
  const handed: (Prediction | ErrorBody)[] = [];
  const text: string[] = [];
  const { body, ended } = linesBody({
    items: answers,
    given,
    longestMs: job.remainingMs + DRAIN_MS,
    line({ index, answer }) {
      handed.push(answer);
      const line: PredictLine = 'error' in answer ? { index, error: answer.error } : { index, prediction: answer };
      text.push(JSON.stringify(line));
      return text[text.length - 1];
    },
    async end() {
      const facts = { id: c.get('requestId'), cancelled: inputs.length - handed.length };
      return closing(reservation, facts, handed, text, c.get('receipts'));
    },
  });
  // A reader that hangs up shows as a cancelled body, as an aborted request, or as both.
  c.req.raw.signal.addEventListener('abort', () => given.abort(), { once: true });
  c.set('leaving', ended);
  deps.keepAlive(ended);
  return lines(c, body);
}

/** What is set aside, the answer of before, or undefined where nothing is charged. */
async function reserved(
  deps: PredictLinesDeps,
  c: Context<EdgeTypes>,
  { body, inputs }: PredictLinesJob,
): Promise<Reservation | string | undefined> {
  const charge = c.get('charge');
  if (charge === undefined) return undefined;
  if (charge.reserve === undefined)
    throw new TwinrouteError('unsupported', 'accept: expected application/json beside a payment for one answer, got NDJSON', {
      param: 'accept',
    });
  const answered = await charge.reserve(c, {
    operation: 'predict',
    form: 'ndjson',
    body,
    bound: (prices) => predictBound(deps.bundles, goodInputs(inputs), c.get('tenant'), prices),
  });
  return answered.kind === 'repeated' ? answered.answer : answered.reservation;
}

/** Charges what was handed over, and says so in the last line. The kept answer is what the reader got and pays for. */
async function closing(
  reservation: Reservation | undefined,
  { id, cancelled }: Pick<PredictSummary, 'id' | 'cancelled'>,
  handed: readonly (Prediction | ErrorBody)[],
  text: readonly string[],
  receipts: ReadonlyMap<string, ReceiptNote>,
): Promise<string> {
  const { micros, usage } = predictBill(handed, reservation?.prices, receipts);
  const { answers, tokens, configs, experts } = usage;
  const summary: PredictSummary = {
    id,
    answers,
    failures: handed.length - answers,
    cancelled,
    usage: { tokens, configs: [...configs], experts: [...experts] },
    ...(reservation !== undefined && { charge: { micros, currency: reservation.prices.currency } }),
  };
  const line = JSON.stringify({ summary } satisfies PredictLine);
  if (answers === 0) await reservation?.giveBack();
  else await reservation?.charge({ micros, usage }, [...text, line, ''].join('\n'));
  return line;
}

function lines(c: Context<EdgeTypes>, body: string | ReadableStream<Uint8Array>): Response {
  return c.body(body, 200, { 'content-type': NDJSON, 'cache-control': 'no-store', vary: 'accept' });
}

/** What nobody hears. */
function gone(): TwinrouteError {
  return new TwinrouteError('timeout', 'predict: expected a caller who waits, got none');
}

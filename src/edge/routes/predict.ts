// POST /v1/predict: one input, or a batch whose inputs succeed and fail each on its own.

import { PredictInput, type PredictBatch, type Prediction } from '../../contract/http.ts';
import { NDJSON } from '../../contract/predict-lines.ts';
import { parseWith } from '../../contract/parse.ts';
import { predictBill, predictBound } from '../accounts/bill.ts';
import { charged } from '../accounts/charged.ts';
import { BATCH_CONCURRENCY, createAnswering, type AnsweringDeps } from '../answering.ts';
import { deadlineOf, TIMEOUT_HEADER } from '../deadline.ts';
import { mapLimited } from '../map-limited.ts';
import { readJson } from '../read-json.ts';
import type { Route } from '../route.ts';
import { acceptsLines } from '../stream/accepts-lines.ts';
import { answerInput, goodInputs, readInputs } from './batch.ts';
import { predictLines, type PredictLinesDeps } from './predict-lines.ts';

/** What the route needs. */
export interface PredictRouteDeps extends AnsweringDeps, PredictLinesDeps {}

/** The route. */
export function predictRoute(deps: PredictRouteDeps): Route {
  const answering = createAnswering(deps);
  return {
    method: 'post',
    path: '/v1/predict',
    access: 'predict',
    summary: 'Answers a text, or a batch of them',
    description:
      'The router chooses a mix of experts, unless the request names a task or a mix; an endpoint that holds them answers. Inputs of a batch succeed and fail each on its own.',
    request: 'PredictRequest',
    answer: 'PredictAnswer',
    otherwise: {
      type: NDJSON,
      description: 'A line for each input as soon as it has its answer, and a summary as the last line',
      lines: 'PredictLine',
    },
    charged: true,
    parameters: ['timeout', 'arm'],
    errors: ['forbidden', 'not_found', 'unsupported', 'upstream', 'timeout'],
    handler: async (c) => {
      const deadlineMs = deadlineOf(c.req.raw.headers, deps.now(), deps.upstream.request_ms);
      const body = await readJson(c.req.raw, deadlineMs - deps.now());
      const id = c.get('requestId');
      const tenant = c.get('tenant');
      const given = acceptsLines(c.req.header('accept')) ? new AbortController() : undefined;
      const hurried = c.req.header(TIMEOUT_HEADER) !== undefined;
      const run = answering(c, { deadlineMs, hurried, given: given?.signal ?? c.req.raw.signal });
      const batch = typeof body === 'object' && body !== null && 'inputs' in body;
      if (given !== undefined) {
        const inputs = batch
          ? readInputs(deps.report, body, id)
          : [{ id, input: parseWith(PredictInput, body, 'body', 'invalid_request') }];
        return predictLines(deps, c, { inputs, body, run, given, remainingMs: deadlineMs - deps.now() });
      }
      if (batch) {
        const inputs = readInputs(deps.report, body, id);
        return charged<PredictBatch>(c, {
          operation: 'predict',
          body,
          bound: (prices) => predictBound(deps.bundles, goodInputs(inputs), tenant, prices),
          bill: ({ predictions }, prices) => predictBill(predictions, prices, c.get('receipts')),
          work: async () => ({
            id,
            predictions: [...(await mapLimited(inputs, BATCH_CONCURRENCY, (one) => answerInput(deps.report, one, run)))],
          }),
        });
      }
      const input = parseWith(PredictInput, body, 'body', 'invalid_request');
      return charged<Prediction>(c, {
        operation: 'predict',
        body,
        bound: (prices) => predictBound(deps.bundles, [input], tenant, prices),
        bill: (prediction, prices) => predictBill([prediction], prices, c.get('receipts')),
        async work() {
          const prediction = await run(input, id);
          c.set('timings', { router: prediction.timing.router_ms, origin: prediction.timing.origin_ms });
          return prediction;
        },
      });
    },
  };
}

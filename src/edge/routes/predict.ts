// POST /v1/predict: one input, or a batch whose inputs succeed and fail each on its own.

import { PredictEnvelope, PredictInput, type ErrorBody, type PredictBatch, type Prediction } from '../../contract/http.ts';
import { parseWith } from '../../contract/parse.ts';
import type { TwinrouteError } from '../../core/errors.ts';
import { predictBill, predictBound } from '../accounts/bill.ts';
import { charged } from '../accounts/charged.ts';
import { BATCH_CONCURRENCY, createAnswering, type AnswerInput, type AnsweringDeps } from '../answering.ts';
import { deadlineOf, TIMEOUT_HEADER } from '../deadline.ts';
import { errorBody } from '../errors.ts';
import { mapLimited } from '../map-limited.ts';
import { readJson } from '../read-json.ts';
import type { Route } from '../route.ts';

/** What the route needs. */
export interface PredictRouteDeps extends AnsweringDeps {
  readonly report: (thrown: unknown, requestId: string) => TwinrouteError;
}

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
    charged: true,
    parameters: ['timeout', 'arm'],
    errors: ['forbidden', 'not_found', 'unsupported', 'upstream', 'timeout'],
    handler: async (c) => {
      const deadlineMs = deadlineOf(c.req.raw.headers, deps.now(), deps.upstream.request_ms);
      const body = await readJson(c.req.raw, deadlineMs - deps.now());
      const id = c.get('requestId');
      const tenant = c.get('tenant');
      const run = answering(c, { deadlineMs, hurried: c.req.header(TIMEOUT_HEADER) !== undefined });
      if (typeof body === 'object' && body !== null && 'inputs' in body) {
        const inputs = readInputs(deps, body, id);
        return charged<PredictBatch>(c, {
          operation: 'predict',
          body,
          bound: (prices) =>
            predictBound(
              inputs.flatMap(({ input }) => input ?? []),
              tenant,
              prices,
            ),
          bill: ({ predictions }, prices) => predictBill(predictions, prices),
          work: async () => ({ id, predictions: await predictAll(deps, inputs, run) }),
        });
      }
      const input = parseWith(PredictInput, body, 'body', 'invalid_request');
      return charged<Prediction>(c, {
        operation: 'predict',
        body,
        bound: (prices) => predictBound([input], tenant, prices),
        bill: (prediction, prices) => predictBill([prediction], prices),
        async work() {
          const prediction = await run(input, id);
          c.set('timings', { router: prediction.timing.router_ms, origin: prediction.timing.origin_ms });
          return prediction;
        },
      });
    },
  };
}

/** An input of a batch with its own id, or what is wrong with it. */
type BatchInput =
  | { readonly id: string; readonly input: PredictInput; readonly error?: never }
  | { readonly id: string; readonly input?: never; readonly error: ErrorBody };

function readInputs(deps: PredictRouteDeps, body: unknown, id: string): readonly BatchInput[] {
  const { inputs } = parseWith(PredictEnvelope, body, 'body', 'invalid_request');
  return inputs.map((value, index) => {
    const own = `${id}.${index}`;
    try {
      return { id: own, input: parseWith(PredictInput, value, `inputs[${index}]`, 'invalid_request') };
    } catch (thrown) {
      return { id: own, error: errorBody(deps.report(thrown, own), own) };
    }
  });
}

async function predictAll(deps: PredictRouteDeps, inputs: readonly BatchInput[], run: AnswerInput): Promise<PredictBatch['predictions']> {
  const predictions = await mapLimited(
    inputs,
    BATCH_CONCURRENCY,
    async ({ id, input, error }): Promise<PredictBatch['predictions'][number]> => {
      if (error !== undefined) return error;
      try {
        return await run(input, id);
      } catch (thrown) {
        return errorBody(deps.report(thrown, id), id);
      }
    },
  );
  return [...predictions];
}

// POST /v1/predict: one input, or a batch whose inputs succeed and fail each on its own.

import { PredictEnvelope, PredictInput, type ErrorBody, type PredictBatch, type Prediction } from '../../contract/http.ts';
import type { Upstream } from '../../contract/upstream.ts';
import { parseWith } from '../../contract/parse.ts';
import { createRetryBudget } from '../../core/balance/retry-budget.ts';
import type { TwinrouteError } from '../../core/errors.ts';
import { predictBill, predictBound } from '../accounts/bill.ts';
import { charged } from '../accounts/charged.ts';
import { deadlineOf, TIMEOUT_HEADER } from '../deadline.ts';
import { errorBody } from '../errors.ts';
import { ARM_HEADER } from '../experiments/enrol.ts';
import type { Answer, Experiments } from '../experiments/experiments.ts';
import { regionsOf } from '../regions.ts';
import { predict, PUBLIC_TENANT, type PredictDeps } from '../predict.ts';
import { readJson } from '../read-json.ts';
import type { Route } from '../route.ts';

/** Inputs of a batch that are under way at once: a Worker has six open connections. */
const BATCH_CONCURRENCY = 6;

/** What the route needs. */
export interface PredictRouteDeps extends PredictDeps {
  readonly report: (thrown: unknown, requestId: string) => TwinrouteError;
  readonly upstream: Upstream;
  readonly experiments: Experiments | undefined;
}

/** The route. */
export function predictRoute(deps: PredictRouteDeps): Route {
  // A shadow is tried once, out of nobody's budget.
  const shadowDeps = {
    ...deps,
    upstream: { attempts: 1, attempt_ms: deps.upstream.attempt_ms },
    budget: createRetryBudget({ share: 0, minimum: 0 }),
  };
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
      const call = { deadlineMs, regions: regionsOf(c.req.raw), tenant };
      const caller = { key: tenant?.key, configs: tenant?.configs, forced: c.req.header(ARM_HEADER) };
      const shadow: Answer = ({ cache: _, ...input }, own) =>
        predict(shadowDeps, input, { id: own, deadlineMs: deps.now() + deps.upstream.request_ms, regions: [], tenant });
      const answer: Answer = (input, own) => predict(deps, input, { ...call, id: own });
      const run: Answer = (input, own) =>
        deps.experiments === undefined
          ? answer(input, own)
          : deps.experiments.through(
              input,
              { id: own, tenant: tenant?.account ?? PUBLIC_TENANT, caller, hurried: c.req.header(TIMEOUT_HEADER) !== undefined },
              answer,
              shadow,
            );
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

function predictAll(deps: PredictRouteDeps, inputs: readonly BatchInput[], run: Answer): Promise<PredictBatch['predictions']> {
  return mapLimited(inputs, BATCH_CONCURRENCY, async ({ id, input, error }): Promise<PredictBatch['predictions'][number]> => {
    if (error !== undefined) return error;
    try {
      return await run(input, id);
    } catch (thrown) {
      return errorBody(deps.report(thrown, id), id);
    }
  });
}

/** `items.map(task)`, at most `limit` of them under way at once. */
async function mapLimited<T, R>(items: readonly T[], limit: number, task: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await task(items[index], index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}

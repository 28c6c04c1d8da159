// POST /v1/predict: one input, or a batch whose inputs succeed and fail each on its own.

import type { Handler } from 'hono';
import { PredictEnvelope, PredictInput, type PredictBatch, type Prediction } from '../../contract/http.ts';
import type { Upstream } from '../../contract/upstream.ts';
import { parseWith } from '../../contract/parse.ts';
import type { TwinrouteError } from '../../core/errors.ts';
import { createRetryBudget } from '../../core/balance/retry-budget.ts';
import { deadlineOf, TIMEOUT_HEADER } from '../deadline.ts';
import { errorBody } from '../errors.ts';
import { ARM_HEADER } from '../experiments/enrol.ts';
import type { Answer, Experiments } from '../experiments/experiments.ts';
import { regionsOf } from '../regions.ts';
import { predict, PUBLIC_TENANT, type PredictDeps } from '../predict.ts';
import { readJson } from '../read-json.ts';
import type { EdgeTypes } from '../types.ts';

/** Inputs of a batch that are under way at once: a Worker has six open connections. */
const BATCH_CONCURRENCY = 6;

/** What the route needs. */
export interface PredictRouteDeps extends PredictDeps {
  readonly upstream: Upstream;
  readonly experiments: Experiments | undefined;
  /** The twinroute error of a thrown value, logged when it is not the caller's fault. */
  readonly report: (thrown: unknown, requestId: string) => TwinrouteError;
}

/** The handler. */
export function predictRoute(deps: PredictRouteDeps): Handler<EdgeTypes> {
  // A shadow is tried once, out of nobody's budget.
  const shadowDeps = {
    ...deps,
    upstream: { attempts: 1, attempt_ms: deps.upstream.attempt_ms },
    budget: createRetryBudget({ share: 0, minimum: 0 }),
  };
  const shadow: Answer = ({ cache: _, ...input }, id) =>
    predict(shadowDeps, input, { id, deadlineMs: deps.now() + deps.upstream.request_ms, regions: [] });
  return async (c) => {
    const deadlineMs = deadlineOf(c.req.raw.headers, deps.now(), deps.upstream.request_ms);
    const body = await readJson(c.req.raw);
    const id = c.get('requestId');
    const call = { deadlineMs, regions: regionsOf(c.req.raw) };
    const caller = { key: undefined, configs: undefined, forced: c.req.header(ARM_HEADER) };
    const answer: Answer = (input, own) => predict(deps, input, { ...call, id: own });
    const run = (input: PredictInput, own: string): Promise<Prediction> =>
      deps.experiments === undefined
        ? answer(input, own)
        : deps.experiments.through(
            input,
            { id: own, tenant: PUBLIC_TENANT, caller, hurried: c.req.header(TIMEOUT_HEADER) !== undefined },
            answer,
            shadow,
          );
    if (typeof body === 'object' && body !== null && 'inputs' in body) {
      const { inputs } = parseWith(PredictEnvelope, body, 'body', 'invalid_request');
      const predictions = await mapLimited(
        inputs,
        BATCH_CONCURRENCY,
        async (value, index): Promise<PredictBatch['predictions'][number]> => {
          const own = `${id}.${index}`;
          try {
            return await run(parseWith(PredictInput, value, `inputs[${index}]`, 'invalid_request'), own);
          } catch (thrown) {
            return errorBody(deps.report(thrown, own), own);
          }
        },
      );
      return c.json({ id, predictions } satisfies PredictBatch);
    }
    const prediction = await run(parseWith(PredictInput, body, 'body', 'invalid_request'), id);
    c.set('timings', { router: prediction.timing.router_ms, origin: prediction.timing.origin_ms });
    return c.json(prediction);
  };
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

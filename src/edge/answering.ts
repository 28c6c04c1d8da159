// The inputs of one request, answered each by way of the experiment that it is enrolled in, whatever the protocol that brought them.

import type { Context } from 'hono';
import type { PredictInput, Prediction } from '../contract/http.ts';
import type { Upstream } from '../contract/upstream.ts';
import { createRetryBudget } from '../core/balance/retry-budget.ts';
import type { ReceiptNote } from '../core/ledger/entry.ts';
import { ARM_HEADER } from './experiments/enrol.ts';
import type { Answer, Experiments } from './experiments/experiments.ts';
import type { Observer } from './observe/observer.ts';
import { predict, PUBLIC_TENANT, type PredictCall, type PredictDeps } from './predict.ts';
import { regionsOf } from './regions.ts';
import type { EdgeTypes } from './types.ts';

/** Inputs of a batch that are under way at once: a Worker has six open connections. */
export const BATCH_CONCURRENCY = 6;

/** What answering needs. */
export interface AnsweringDeps extends PredictDeps {
  readonly upstream: Upstream;
  readonly experiments: Experiments | undefined;
  readonly observer: Observer;
}

/** How long a request may take. */
export interface Patience {
  /** When the caller stops waiting, by `now`. */
  readonly deadlineMs: number;
  /** The caller set that itself. */
  readonly hurried: boolean;
  /** Aborted when the caller does not wait any longer. */
  readonly given?: AbortSignal;
}

/** Answers an input of the request, under an id of its own. */
export type AnswerInput = (input: PredictInput, id: string, onLogits?: PredictCall['onLogits']) => Promise<Prediction>;

/** How a request's inputs are answered. */
export type Answering = (c: Context<EdgeTypes>, patience: Patience) => AnswerInput;

/** The way from a request's inputs to answers. */
export function createAnswering(deps: AnsweringDeps): Answering {
  // A shadow is tried once, out of nobody's budget.
  const shadowDeps = {
    ...deps,
    upstream: { attempts: 1, attempt_ms: deps.upstream.attempt_ms },
    budget: createRetryBudget({ share: 0, minimum: 0 }),
  };
  return (c, { deadlineMs, hurried, given }) => {
    const tenant = c.get('tenant');
    const trip = c.get('trip');
    const call = { deadlineMs, regions: regionsOf(c.req.raw), tenant, given, trip };
    const caller = { key: tenant?.key, configs: tenant?.configs, forced: c.req.header(ARM_HEADER) };
    const shadow: Answer = ({ cache: _, ...input }, own) =>
      predict(shadowDeps, input, {
        id: own,
        deadlineMs: deps.now() + deps.upstream.request_ms,
        regions: [],
        tenant,
        trip: deps.observer.aside(own),
        aside: true,
      });
    const receipts = new Map<string, ReceiptNote>();
    c.set('receipts', receipts);
    return (input, id, onLogits) => {
      const onReceipt = (note: ReceiptNote): void => void receipts.set(id, note);
      const answer: Answer = (asked, own) => predict(deps, asked, { ...call, id: own, onLogits, onReceipt });
      return deps.experiments === undefined
        ? answer(input, id)
        : deps.experiments.through(
            input,
            { id, tenant: tenant?.account ?? PUBLIC_TENANT, caller, hurried: () => hurried || given?.aborted === true, trip },
            answer,
            shadow,
          );
    };
  };
}

// GET /v1/experiments, GET /v1/experiments/{key} and POST /v1/feedback.

import type { Handler } from 'hono';
import { FeedbackRequest, type ExperimentReport, type ExperimentsAnswer, type FeedbackAnswer } from '../../contract/experiment-report.ts';
import { parseWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { Experiments } from '../experiments/experiments.ts';
import { PUBLIC_TENANT } from '../predict.ts';
import { readJson } from '../read-json.ts';
import type { EdgeTypes } from '../types.ts';

/** What the routes need. */
export interface ExperimentRouteDeps {
  readonly experiments: Experiments | undefined;
}

/** Every published experiment and where it stands. */
export function experimentsRoute(deps: ExperimentRouteDeps): Handler<EdgeTypes> {
  return async (c) => c.json((await published(deps).list()) satisfies ExperimentsAnswer);
}

/** What was measured of one experiment. */
export function experimentRoute(deps: ExperimentRouteDeps): Handler<EdgeTypes, '/v1/experiments/:key'> {
  return async (c) => c.json((await published(deps).report(c.req.param('key'))) satisfies ExperimentReport);
}

/** Takes an outcome. */
export function feedbackRoute(deps: ExperimentRouteDeps): Handler<EdgeTypes> {
  return async (c) => {
    const feedback = parseWith(FeedbackRequest, await readJson(c.req.raw), 'body', 'invalid_request');
    return c.json((await published(deps).feedback(c.get('tenant')?.account ?? PUBLIC_TENANT, feedback)) satisfies FeedbackAnswer);
  };
}

function published({ experiments }: ExperimentRouteDeps): Experiments {
  if (experiments !== undefined) return experiments;
  throw new TwinrouteError('unsupported', 'experiments: expected a deployment with a place for their state, got none');
}

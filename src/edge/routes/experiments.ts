// GET /v1/experiments, GET /v1/experiments/{key} and POST /v1/feedback.

import {
  FeedbackRequest,
  type ExperimentHistory,
  type ExperimentReport,
  type ExperimentsAnswer,
  type FeedbackAnswer,
} from '../../contract/experiment-report.ts';
import { parseWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { Experiments } from '../experiments/experiments.ts';
import { PUBLIC_TENANT } from '../predict.ts';
import { readJson } from '../read-json.ts';
import type { Route } from '../route.ts';

/** What the routes need. */
export interface ExperimentRouteDeps {
  readonly experiments: Experiments | undefined;
}

/** These routes. */
export function experimentRoutes(deps: ExperimentRouteDeps): readonly Route[] {
  return [
    {
      method: 'post',
      path: '/v1/feedback',
      access: 'feedback',
      summary: 'Takes the outcome of an answer',
      description:
        'The outcome counts for the experiment and the arm that gave the answer; the first one of a name counts, others are told so.',
      request: 'FeedbackRequest',
      answer: 'FeedbackAnswer',
      errors: ['not_found', 'unsupported'],
      async handler(c) {
        const feedback = parseWith(FeedbackRequest, await readJson(c.req.raw), 'body', 'invalid_request');
        const tenant = c.get('tenant')?.account ?? PUBLIC_TENANT;
        return c.json((await published(deps).feedback(tenant, feedback)) satisfies FeedbackAnswer);
      },
    },
    {
      method: 'get',
      path: '/v1/experiments',
      access: 'admin-read',
      summary: 'Lists the experiments between configs',
      answer: 'ExperimentsAnswer',
      errors: ['unsupported'],
      handler: async (c) => c.json((await published(deps).list()) satisfies ExperimentsAnswer),
    },
    {
      method: 'get',
      path: '/v1/experiments/{key}',
      access: 'admin-read',
      summary: 'Tells what was measured and decided in an experiment',
      answer: 'ExperimentReport',
      errors: ['not_found', 'unsupported'],
      handler: async (c) => c.json((await published(deps).report(c.req.param('key') ?? '')) satisfies ExperimentReport),
    },
    {
      method: 'get',
      path: '/v1/experiments/{key}/history',
      access: 'admin-read',
      summary: 'Tells how the intervals of an experiment moved',
      answer: 'ExperimentHistory',
      errors: ['not_found', 'unsupported'],
      handler: async (c) => c.json((await published(deps).history(c.req.param('key') ?? '')) satisfies ExperimentHistory),
    },
  ];
}

function published({ experiments }: ExperimentRouteDeps): Experiments {
  if (experiments !== undefined) return experiments;
  throw new TwinrouteError('unsupported', 'experiments: expected a deployment with a place for their state, got none');
}

// Bodies of the interface as types, taken from the schemas that the edge parses by. Types only: nothing of them is there at run time.

import type * as z from 'zod/mini';
import type { FeedbackRequest as FeedbackSchema } from '../contract/experiment-report.ts';
import type { PredictInput as PredictSchema, RouteRequest as RouteSchema } from '../contract/http.ts';

export type { ConfigsAnswer, ErrorBody, ExpertsAnswer, PredictBatch, Prediction, RouteAnswer } from '../contract/http.ts';
export type { ExperimentReport, ExperimentsAnswer, FeedbackAnswer } from '../contract/experiment-report.ts';
export type { PredictLine, PredictSummary } from '../contract/predict-lines.ts';
export type { PricesAnswer } from '../contract/price-list.ts';
export type { StatementAnswer, UsageAnswer } from '../contract/usage.ts';

/** A text to be answered. */
export type PredictInput = z.input<typeof PredictSchema>;

/** A text to be routed. */
export type RouteRequest = z.input<typeof RouteSchema>;

/** How an answer turned out. */
export type FeedbackRequest = z.input<typeof FeedbackSchema>;

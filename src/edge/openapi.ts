// The OpenAPI document, generated from the schemas that parse the requests.

import * as z from 'zod/mini';
import * as experiments from '../contract/experiment-report.ts';
import * as http from '../contract/http.ts';
import type { Access } from './accounts/authenticate.ts';
import { PriceList } from '../contract/price-list.ts';
import { StatementAnswer, UsageAnswer } from '../contract/usage.ts';

const SCHEMAS = {
  PredictInput: http.PredictInput,
  PredictRequest: http.PredictRequest,
  Prediction: http.Prediction,
  PredictBatch: http.PredictBatch,
  PredictAnswer: http.PredictAnswer,
  RouteRequest: http.RouteRequest,
  RouteAnswer: http.RouteAnswer,
  ExpertsAnswer: http.ExpertsAnswer,
  ConfigsAnswer: http.ConfigsAnswer,
  HealthAnswer: http.HealthAnswer,
  FeedbackRequest: experiments.FeedbackRequest,
  FeedbackAnswer: experiments.FeedbackAnswer,
  ExperimentReport: experiments.ExperimentReport,
  ExperimentsAnswer: experiments.ExperimentsAnswer,
  PriceList,
  UsageAnswer,
  StatementAnswer,
  ErrorBody: http.ErrorBody,
} as const;

/** How requests carry their keys. */
const KEYS = { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } } as const;

/** One operation of the interface; bodies are named by their schema. */
export interface ApiOperation {
  readonly method: 'get' | 'post';
  /** Parameters in braces. */
  readonly path: string;
  readonly summary: string;
  readonly access: Access;
  readonly request?: keyof typeof SCHEMAS;
  readonly answer: keyof typeof SCHEMAS;
  /** Optional query parameters, each a string. */
  readonly query?: readonly string[];
}

/**
 * The OpenAPI 3.1 document of these operations.
 * @param keys whether requests need keys
 */
export function openApi(operations: readonly ApiOperation[], keys: boolean): object {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(SCHEMAS)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { uri: refTo, io: 'input' });
  const paths: Record<string, object> = {};
  for (const { method, path, summary, access, request, answer, query = [] } of operations) {
    paths[path] = {
      [method]: {
        summary,
        ...(keys && access !== 'public' && { security: [{ key: [] }] }),
        parameters: [
          ...Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
          ...query.map((name) => ({ name, in: 'query', required: false, schema: { type: 'string' } })),
        ],
        ...(request === undefined ? {} : { requestBody: { required: true, content: json(request) } }),
        responses: {
          200: { description: 'The answer', content: json(answer) },
          default: { description: 'The error', content: json('ErrorBody') },
        },
      },
    };
  }
  return { openapi: '3.1.0', info: { title: 'twinroute', version: '1' }, paths, components: { schemas, ...(keys && KEYS) } };
}

function json(name: keyof typeof SCHEMAS): object {
  return { 'application/json': { schema: { $ref: refTo(name) } } };
}

function refTo(id: string): string {
  return `#/components/schemas/${id}`;
}

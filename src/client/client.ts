// The client: one method an operation. Works wherever there is `fetch`, and depends on nothing else.

import { call, newName, type Question } from './call.ts';
import { ConnectionError } from './errors.ts';
import { settingsOf, type CallOptions, type ClientOptions } from './options.ts';
import { stream } from './stream.ts';
import type {
  ConfigsAnswer,
  ExperimentReport,
  ExperimentsAnswer,
  ExpertsAnswer,
  FeedbackAnswer,
  FeedbackRequest,
  PredictBatch,
  PredictInput,
  Prediction,
  PredictLine,
  PricesAnswer,
  RouteAnswer,
  RouteRequest,
  StatementAnswer,
  UsageAnswer,
} from './types.ts';

/** Calls to an edge. Each rejects with a `ClientError`, or with the reason of the caller's own signal. */
export interface Client {
  /** Answers a text. */
  predict(input: PredictInput, options?: CallOptions): Promise<Prediction>;
  /** Answers texts, all at once; each succeeds or fails on its own. */
  predictBatch(inputs: readonly PredictInput[], options?: CallOptions): Promise<PredictBatch>;
  /**
   * Answers texts, each as soon as it is ready, and sums up in the last line. Leaving the loop ends the work, and what was not read costs nothing.
   * A connection that breaks is taken up again; `retries` counts for each time.
   */
  predictStream(inputs: readonly PredictInput[], options?: CallOptions): AsyncGenerator<PredictLine, void, undefined>;
  /** Tells which experts the router would mix. */
  route(request: RouteRequest, options?: CallOptions): Promise<RouteAnswer>;
  /** Lists the experts of a config, the first one when none is named. */
  experts(config?: string, options?: CallOptions): Promise<ExpertsAnswer>;
  /** Lists the deployed configs. */
  configs(options?: CallOptions): Promise<ConfigsAnswer>;
  /** Says how an answer turned out. */
  feedback(feedback: FeedbackRequest, options?: CallOptions): Promise<FeedbackAnswer>;
  /** Tells the balance and spending of the key's account. */
  usage(options?: CallOptions): Promise<UsageAnswer>;
  /** Lists the requests in the ledger of the key's account, a page at a time. */
  statement(page?: { readonly after?: number; readonly limit?: number }, options?: CallOptions): Promise<StatementAnswer>;
  /** Tells what requests cost. */
  prices(options?: CallOptions): Promise<PricesAnswer>;
  /** Lists the experiments between configs. */
  experiments(options?: CallOptions): Promise<ExperimentsAnswer>;
  /** Tells what was measured and decided in an experiment. */
  experiment(key: string, options?: CallOptions): Promise<ExperimentReport>;
}

/** A client of the edge at `options.url`. */
export function createClient(options: ClientOptions): Client {
  const settings = settingsOf(options);
  const ask = <T>(question: Omit<Question, 'accept'>, callOptions: CallOptions = {}): Promise<T> =>
    call(settings, { ...question, accept: 'application/json' }, callOptions, readJson<T>);
  const get = <T>(path: string, callOptions?: CallOptions): Promise<T> => ask({ method: 'GET', path }, callOptions);
  /** A request that is charged has a name. */
  const charged = <T>(path: string, body: object, callOptions: CallOptions = {}): Promise<T> =>
    ask({ method: 'POST', path, body, name: callOptions.idempotencyKey ?? newName() }, callOptions);
  return {
    predict: (input, callOptions) => charged('/v1/predict', input, callOptions),
    predictBatch: (inputs, callOptions) => charged('/v1/predict', { inputs }, callOptions),
    predictStream: (inputs, callOptions = {}) => stream(settings, inputs, callOptions),
    route: (request, callOptions) => charged('/v1/route', request, callOptions),
    experts: (config, callOptions) => get(`/v1/experts${query({ config })}`, callOptions),
    configs: (callOptions) => get('/v1/configs', callOptions),
    // The first outcome of a request and a name counts, so saying it again does nothing.
    feedback: (body, callOptions) => ask({ method: 'POST', path: '/v1/feedback', body }, callOptions),
    usage: (callOptions) => get('/v1/usage', callOptions),
    statement: (page = {}, callOptions) => get(`/v1/statement${query({ ...page })}`, callOptions),
    prices: (callOptions) => get('/v1/prices', callOptions),
    experiments: (callOptions) => get('/v1/experiments', callOptions),
    experiment: (key, callOptions) => get(`/v1/experiments/${encodeURIComponent(key)}`, callOptions),
  };
}

/** The body as the edge's schemas have it; the edge is trusted to keep to them. */
async function readJson<T>(response: Response): Promise<T> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConnectionError('answer: expected JSON, got something else', { cause });
  }
}

function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

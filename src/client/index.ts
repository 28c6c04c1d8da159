// `twinroute/client`: typed calls to an edge from Node, browsers and Workers.

export { createClient, type Client } from './client.ts';
export { ApiError, ClientError, ConnectionError, TimeoutError } from './errors.ts';
export type { AnswerFacts, CallOptions, ClientOptions } from './options.ts';
export type * from './types.ts';

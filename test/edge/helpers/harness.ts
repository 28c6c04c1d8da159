// An edge around scripted parts: a router that reads its decision from the text, and an origin that answers or misbehaves as told.

import * as z from 'zod/mini';
import type { EdgeBundle } from '../../../src/contract/edge-bundle.ts';
import type { Endpoint } from '../../../src/contract/endpoint.ts';
import { Upstream } from '../../../src/contract/upstream.ts';
import { ERROR_CODES, TwinrouteError } from '../../../src/core/errors.ts';
import { plainObservation } from '../../../src/edge/observe/plain-observation.ts';
import type { Mix } from '../../../src/core/mix.ts';
import { createApp, type AppDeps } from '../../../src/edge/app.ts';
import type { SigningContext } from '../../../src/formats/signing/request-signature.ts';
import type { Accounts } from '../../../src/edge/accounts/port.ts';
import type { Bundles } from '../../../src/edge/bundles.ts';
import type { DeployedConfig } from '../../../src/edge/load-config.ts';
import type { Payments } from '../../../src/edge/x402/port.ts';

export const CONFIG = '0123456789abcdef';
/** A second config of the same experts. */
export const OTHER_CONFIG = 'fedcba9876543210';
export const ALL: Endpoint = { id: 'all', url: 'http://all.test', experts: '*' };
export const LEFT: Endpoint = { id: 'left', url: 'http://left.test/', experts: ['cola', 'sst2'] };
export const RIGHT: Endpoint = { id: 'right', url: 'http://right.test', experts: ['stsb'] };

export const BUNDLE: EdgeBundle = {
  schema: 1,
  name: 'sample',
  config: CONFIG,
  method: 'twin',
  parameters: { rank: 16 },
  routing: 'edge',
  experts: [
    { name: 'cola', problem: 'classification', labels: ['unacceptable', 'acceptable'] },
    { name: 'sst2', problem: 'classification', labels: ['negative', 'neutral', 'positive'] },
    { name: 'stsb', problem: 'regression', labels: ['similarity'] },
  ],
};

/** A request as the fake origin got it. */
export interface OriginCall {
  readonly url: string;
  readonly headers: Headers;
  readonly redirect: string | undefined;
  readonly body: { readonly id: string; readonly parameters?: Record<string, unknown>; readonly inputs: readonly OriginInput[] };
}
interface OriginInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parameters?: Record<string, unknown>;
  readonly data: readonly (string | number)[];
}

/** Answers a call, or undefined to answer well. */
export type OriginScript = (call: OriginCall, attempt: number, signal: AbortSignal) => Promise<Response> | Response | undefined;

/** Two configs are deployed, and no experiment is between them. */
export const NO_EXPERIMENTS: AppDeps['experiments'] = {
  readPublished: async () => undefined,
  storeOf() {
    throw new Error('expected no experiment to keep anything');
  },
};

export interface HarnessOptions {
  readonly endpoints?: readonly Endpoint[];
  readonly routing?: EdgeBundle['routing'];
  /** Whether the pack has gates. */
  readonly gated?: true;
  /** Mix that the router makes of any text; empty to abstain. */
  readonly mix?: Mix;
  readonly origin?: OriginScript;
  readonly now?: () => number;
  readonly attemptMs?: number;
  readonly bundles?: Bundles;
  readonly releases?: AppDeps['releases'];
  readonly signing?: SigningContext;
  readonly upstream?: z.input<typeof Upstream>;
  readonly uniform?: () => number;
  /** Answers what is no inference. */
  readonly get?: (url: string) => Response;
  readonly experiments?: AppDeps['experiments'];
  readonly keepAlive?: AppDeps['keepAlive'];
  readonly accounts?: Accounts;
  /** Watches instead of `logged`. */
  readonly observation?: AppDeps['observation'];
  readonly metricsToken?: string;
  readonly corsOrigins?: AppDeps['corsOrigins'];
  readonly payments?: Payments | undefined;
}

export function input(call: OriginCall, name: string): OriginInput | undefined {
  return call.body.inputs.find((candidate) => candidate.name === name);
}

/** The config that a call asks for. */
export function configOf(call: OriginCall): string {
  return /versions\/([0-9a-f]+)\//.exec(call.url)?.[1] ?? '';
}

/** A good answer for the head that was asked for, with changes to single outputs. */
export function answer(call: OriginCall, changes: Record<string, object | undefined> = {}): Response {
  const head = String(input(call, 'head')?.data[0] ?? 'sst2');
  const classes = BUNDLE.experts.find((expert) => expert.name === head)?.labels.length ?? 0;
  const routed = call.body.parameters?.['route'] === true;
  const outputs = Object.entries({
    logits: { datatype: 'FP32', shape: [1, 3], data: [0, 1, 2] },
    classes: { datatype: 'INT32', shape: [1], data: [classes] },
    label: { datatype: 'BYTES', shape: [1], data: ['whatever'] },
    head: { datatype: 'BYTES', shape: [1], data: [head] },
    tokens: { datatype: 'INT32', shape: [1], data: [7] },
    truncated: { datatype: 'BOOL', shape: [1], data: [false] },
    mix: routed ? { datatype: 'FP32', shape: [1, 3], data: [0.25, 0.75, 0] } : undefined,
    router_scores: routed ? { datatype: 'FP32', shape: [1, 3], data: [0.25, 0.7, 0.05] } : undefined,
    ...changes,
  }).flatMap(([name, output]) => (output === undefined ? [] : [{ name, ...output }]));
  const version = configOf(call);
  return Response.json({ model_name: 'sample', model_version: version, id: call.body.id, outputs });
}

/** A request that never ends unless it is aborted. */
export function hang(signal: AbortSignal): Promise<Response> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

export function createHarness(options: HarnessOptions = {}) {
  const calls: OriginCall[] = [];
  const logged: TwinrouteError[] = [];
  const background: Promise<unknown>[] = [];
  let ids = 0;
  const deployed: DeployedConfig = {
    bundle: { ...BUNDLE, routing: options.routing ?? 'edge', ...(options.gated && { gated: true }) },
    experts: new Map(BUNDLE.experts.map((expert) => [expert.name, expert])),
    router: async () => ({
      async route() {
        const mix = options.mix ?? [
          { expert: 'sst2', weight: 0.8 },
          { expert: 'cola', weight: 0.2 },
        ];
        const scores = [
          { expert: 'cola', score: 0.2 },
          { expert: 'sst2', score: 0.7 },
          { expert: 'stsb', score: 0.1 },
        ];
        return { scores, mix, abstained: mix.length === 0 };
      },
    }),
  };
  const bundles: Bundles = {
    index: async () => ({
      schema: 1,
      configs: [CONFIG, ...(options.experiments === undefined ? [] : [OTHER_CONFIG])].map((config) => ({
        config,
        name: 'sample',
        sha256: '0'.repeat(64),
      })),
    }),
    async load(config) {
      if (config === OTHER_CONFIG) return { ...deployed, bundle: { ...deployed.bundle, config } };
      if (config !== undefined && config !== CONFIG) throw new TwinrouteError('not_found', `config: got ${config}`, { param: 'config' });
      return deployed;
    },
  };
  const fetcher: typeof fetch = async (url, init) => {
    if (init?.method !== 'POST') return options.get?.(new Request(url).url) ?? new Response(null, { status: 404 });
    const request = new Request(url, { method: 'POST', headers: init?.headers ?? {}, body: init?.body ?? '' });
    const call: OriginCall = { url: request.url, headers: request.headers, redirect: init?.redirect, body: await request.json() };
    calls.push(call);
    const signal = init?.signal ?? AbortSignal.timeout(10_000);
    return (await options.origin?.(call, calls.length, signal)) ?? answer(call);
  };
  const deps: AppDeps = {
    bundles: options.bundles ?? bundles,
    releases: options.releases,
    accounts: options.accounts,
    payments: options.payments,
    endpoints: options.endpoints ?? [ALL],
    fetch: fetcher,
    signing: options.signing,
    now: options.now ?? Date.now,
    newId: () => `id-${ids++}`,
    keepAlive: options.keepAlive ?? ((work) => void background.push(work)),
    experiments: options.experiments,
    observation:
      options.observation ??
      plainObservation(
        [
          {
            failure: ({ error }) => void (ERROR_CODES[error.code].fault === 'system' && logged.push(error)),
            problem: ({ error }) => void logged.push(error),
          },
        ],
        options.now ?? Date.now,
      ),
    metricsToken: options.metricsToken,
    corsOrigins: options.corsOrigins ?? ['*'],
    upstream: z.parse(Upstream, { request_ms: 2_000, attempt_ms: options.attemptMs ?? 1_000, ...options.upstream }),
    uniform: options.uniform ?? (() => 0),
  };
  const app = createApp(deps);
  /** Sends a JSON body, or a body that is none when it is a string. */
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await app.request(path, { method: 'POST', body: text, headers: { 'content-type': 'application/json', ...headers } });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return { app, post, calls, logged, background };
}

// Every metric of the edge. Labels name routes, configs, endpoints, arms, codes: whatever the operator chose or this code spells, never a caller or what one wrote.
// docs/observability.md lists them.

import { SECONDS_BOUNDS, type MetricTable } from '../../core/observe/metric.ts';

/** The table. */
export const EDGE_METRICS = {
  requests: {
    name: 'twinroute_requests',
    kind: 'counter',
    help: 'Requests that ended, by route template and class of their status.',
    labels: ['route', 'method', 'status'],
  },
  requestSeconds: {
    name: 'twinroute_request_duration_seconds',
    kind: 'histogram',
    help: 'Time from the arrival of a request to its answer.',
    labels: ['route'],
    bounds: SECONDS_BOUNDS,
  },
  errors: {
    name: 'twinroute_errors',
    kind: 'counter',
    help: 'Errors by their code, those of single inputs of a batch among them.',
    labels: ['code'],
  },
  shed: {
    name: 'twinroute_shed_requests',
    kind: 'counter',
    help: 'Requests that an isolate refused because it had enough to do.',
    labels: [],
  },
  decisions: {
    name: 'twinroute_routing_decisions',
    kind: 'counter',
    help: 'Inputs by who decided their merge (caller, edge, origin) and whether the router abstained.',
    labels: ['config', 'by', 'abstained'],
  },
  routerSeconds: {
    name: 'twinroute_router_duration_seconds',
    kind: 'histogram',
    help: 'Time to decide the merge of an input; deployed Workers stop the clock while they compute.',
    labels: ['config'],
    bounds: SECONDS_BOUNDS,
  },
  mixExperts: {
    name: 'twinroute_mix_experts',
    kind: 'histogram',
    help: 'Experts in the mix of an input.',
    labels: ['config'],
    bounds: [0, 1, 2, 3, 4, 8, 16],
  },
  originSeconds: {
    name: 'twinroute_origin_duration_seconds',
    kind: 'histogram',
    help: 'Time from the decision to an origin’s answer, all attempts and pauses included.',
    labels: ['config'],
    bounds: SECONDS_BOUNDS,
  },
  tokens: {
    name: 'twinroute_tokens',
    kind: 'counter',
    help: 'Tokens of answered inputs.',
    labels: ['config'],
  },
  attempts: {
    name: 'twinroute_attempts',
    kind: 'counter',
    help: 'Attempts at endpoints, by purpose (first, retry, hedge, last_resort, shadow) and outcome (good, busy, doubtful, down, unknown).',
    labels: ['endpoint', 'purpose', 'outcome'],
  },
  attemptSeconds: {
    name: 'twinroute_attempt_duration_seconds',
    kind: 'histogram',
    help: 'Time of one attempt at an endpoint.',
    labels: ['endpoint'],
    bounds: SECONDS_BOUNDS,
  },
  lookups: {
    name: 'twinroute_answer_cache_lookups',
    kind: 'counter',
    help: 'Lookups of kept answers.',
    labels: ['result'],
  },
  ledger: {
    name: 'twinroute_ledger_steps',
    kind: 'counter',
    help: 'Steps of charged requests and their outcomes: reserve, settle, release, queue, sweep of accounts; payment_reserve, _settle, _release of x402.',
    labels: ['step', 'outcome'],
  },
  chargedMicros: {
    name: 'twinroute_charged_micros',
    kind: 'counter',
    help: 'What requests were charged, in millionths of the currency.',
    labels: [],
  },
  exposures: {
    name: 'twinroute_experiment_exposures',
    kind: 'counter',
    help: 'Requests that an arm of an experiment answered.',
    labels: ['experiment', 'arm'],
  },
  shadows: {
    name: 'twinroute_experiment_shadows',
    kind: 'counter',
    help: 'Shadow requests of an experiment.',
    labels: ['experiment', 'outcome'],
  },
  configs: {
    name: 'twinroute_config_loads',
    kind: 'counter',
    help: 'Configs that isolates read: loaded, or refused with a code (integrity: its bytes were not those that were signed for).',
    labels: ['config', 'outcome'],
  },
  dropped: {
    name: 'twinroute_telemetry_dropped',
    kind: 'counter',
    help: 'Spans and log lines that were left out.',
    labels: ['what', 'why'],
  },
  inFlight: {
    name: 'twinroute_requests_in_flight',
    kind: 'gauge',
    help: 'Requests under way, in all isolates that were heard of in the last minute.',
    labels: [],
  },
  endpointStates: {
    name: 'twinroute_endpoint_isolates',
    kind: 'gauge',
    help: 'Isolates that see an endpoint as up, full, open (circuit breaker) or ejected, for requests of a config.',
    labels: ['config', 'endpoint', 'state'],
  },
  isolates: {
    name: 'twinroute_isolates',
    kind: 'gauge',
    help: 'Isolates that were heard of in the last minute.',
    labels: [],
  },
} as const satisfies MetricTable;

/** Keys of the table. */
export type EdgeMetric = keyof typeof EDGE_METRICS;

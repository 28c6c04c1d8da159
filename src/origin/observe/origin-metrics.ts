// Every metric of an origin. Those that Triton has are called as there and count the same, so that dashboards for it show origins too.
// Source: https://docs.nvidia.com/deeplearning/triton-inference-server, "Metrics"; durations are sums of microseconds.

import type { Metric, MetricTable } from '../../core/observe/metric.ts';

const LABELS = ['model', 'version'] as const;

/** A counter of Triton's. */
function counter(name: string, help: string, labels: readonly string[] = LABELS): Metric {
  return { name, kind: 'counter', exact: true, help, labels };
}

/** The table. */
export const ORIGIN_METRICS = {
  success: counter('nv_inference_request_success', 'Inference requests that were answered.'),
  failure: counter('nv_inference_request_failure', 'Inference requests that failed, by reason (REJECTED, CANCELED, BACKEND, OTHER).', [
    ...LABELS,
    'reason',
  ]),
  count: counter('nv_inference_count', 'Rows that were run; one that was run twice, for the router and for its mix, counts twice.'),
  execCount: counter('nv_inference_exec_count', 'Runs; rows divided by runs are the mean batch.'),
  requestUs: counter('nv_inference_request_duration_us', 'Time of answered requests, whole.'),
  queueUs: counter('nv_inference_queue_duration_us', 'Time that answered requests waited for their first run.'),
  inputUs: counter('nv_inference_compute_input_duration_us', 'Time to read, verify and tokenise answered requests.'),
  inferUs: counter('nv_inference_compute_infer_duration_us', 'Time from the first run of answered requests to their last output.'),
  outputUs: counter('nv_inference_compute_output_duration_us', 'Time to write and sign answers.'),
  pending: {
    name: 'nv_inference_pending_request_count',
    kind: 'gauge',
    help: 'Inference requests with rows that wait for a run.',
    labels: ['model', 'version'],
  },
  requestSeconds: {
    name: 'twinroute_origin_request_duration_seconds',
    kind: 'histogram',
    help: 'Time of answered inference requests.',
    labels: ['model', 'version'],
    bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  runRows: {
    name: 'twinroute_origin_run_rows',
    kind: 'histogram',
    help: 'Rows of a run.',
    labels: ['model', 'version'],
    bounds: [1, 2, 4, 8, 16, 32, 64, 128],
  },
  runMixEntropy: {
    name: 'twinroute_origin_run_mix_entropy_bits',
    kind: 'histogram',
    help: 'How spread the weights of a run are over experts and the shared model: 0 where all rows want one, 3 where eight are wanted alike.',
    labels: LABELS,
    bounds: [0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6],
  },
  runTokens: { name: 'twinroute_origin_run_tokens', kind: 'counter', help: 'Tokens of rows that were run.', labels: LABELS },
  runPadding: {
    name: 'twinroute_origin_run_padding_tokens',
    kind: 'counter',
    help: 'Tokens by which rows are shorter than the longest of their run; methods that do not pack rows compute them, too.',
    labels: LABELS,
  },
  reloads: {
    name: 'twinroute_origin_pack_loads',
    kind: 'counter',
    help: 'Packs that were loaded or reloaded (ok), or could not be (failed).',
    labels: ['outcome'],
  },
  expertsRegistered: { name: 'twinroute_origin_experts_registered', kind: 'gauge', help: 'Experts that may be asked for.', labels: LABELS },
  expertsResident: {
    name: 'twinroute_origin_experts_resident',
    kind: 'gauge',
    help: 'Experts whose factors are in memory.',
    labels: LABELS,
  },
  factorBytes: { name: 'twinroute_origin_factor_bytes', kind: 'gauge', help: 'Bytes of factors in memory.', labels: LABELS },
  pageIns: { name: 'twinroute_origin_expert_page_ins', kind: 'counter', help: 'Experts that were read into memory.', labels: LABELS },
  evictions: {
    name: 'twinroute_origin_expert_evictions',
    kind: 'counter',
    help: 'Experts that gave their place in memory to others.',
    labels: LABELS,
  },
  promotions: { name: 'twinroute_origin_promotions', kind: 'counter', help: 'Mixes that were given weights of their own.', labels: LABELS },
  demotions: { name: 'twinroute_origin_demotions', kind: 'counter', help: 'Mixes that lost them again.', labels: LABELS },
  promotedMixes: { name: 'twinroute_origin_promoted_mixes', kind: 'gauge', help: 'Mixes that have weights of their own.', labels: LABELS },
  promotedBytes: { name: 'twinroute_origin_promoted_bytes', kind: 'gauge', help: 'Bytes of such weights.', labels: LABELS },
  memoryUsed: {
    name: 'twinroute_origin_memory_used_bytes',
    kind: 'gauge',
    help: 'Resident memory, and what was let in since it was measured.',
    labels: [],
  },
  memoryCeiling: { name: 'twinroute_origin_memory_ceiling_bytes', kind: 'gauge', help: 'Memory beyond which work is refused.', labels: [] },
  memoryRefused: {
    name: 'twinroute_origin_memory_refused',
    kind: 'counter',
    help: 'Requests that were refused for want of memory.',
    labels: [],
  },
  memoryRelieved: {
    name: 'twinroute_origin_memory_relieved',
    kind: 'counter',
    help: 'How often caches were given back for want of memory.',
    labels: [],
  },
} as const satisfies MetricTable;

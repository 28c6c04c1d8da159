// Examples of bodies, by the name of their schema and what they show. A test holds each against its schema.

/** The examples. */
export const EXAMPLES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  PredictRequest: {
    text: { text: 'My card was swallowed by the machine', explain: true },
    batch: { inputs: [{ text: 'I love this' }, { text: 'A man sleeps.', text_pair: 'A person is awake.' }] },
    mix: { text: 'I love this', task: 'sst2', mix: { sst2: 0.7, emotion: 0.3 } },
  },
  Prediction: {
    answer: {
      id: '5f0c6a0e-8f0b-4b7e-9f5e-2f6f6f1c0c11',
      task: 'sst2',
      label: 'positive',
      scores: { negative: 0.01, positive: 0.99 },
      mix: [{ expert: 'sst2', weight: 1 }],
      config: '0123456789abcdef',
      usage: { tokens: 6, experts: 1, truncated: false },
      timing: { router_ms: 1, origin_ms: 8, total_ms: 9 },
      abstained: false,
    },
  },
  RouteRequest: { text: { text: 'My card was swallowed by the machine', top_k: 2 } },
  FeedbackRequest: { good: { request_id: '5f0c6a0e-8f0b-4b7e-9f5e-2f6f6f1c0c11', outcome: true } },
  NewAccount: { customer: { name: 'Acme', spend_limit: { micros: 50_000_000, period: 'month' } } },
  AccountChange: { none: { spend_limit: null } },
  NewKey: { limited: { name: 'production', scopes: ['predict', 'route'], requests_per_minute: 600 } },
  KeyRotation: { hour: { overlap_seconds: 3600 } },
  NewCredit: { payment: { id: 'invoice-2026-11', micros: 100_000_000 } },
  OipRequest: {
    routed: {
      id: 'q-1',
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['I love this'] }],
      outputs: [{ name: 'head' }, { name: 'label' }],
    },
    mixed: {
      inputs: [
        { name: 'text', datatype: 'BYTES', shape: [1], data: ['I love this'] },
        { name: 'mix', datatype: 'FP32', shape: [1, 2], parameters: { experts: 'sst2,emotion' }, data: [0.7, 0.3] },
      ],
    },
  },
  OipResponse: {
    answer: {
      model_name: 'sample',
      model_version: '0123456789abcdef',
      id: 'q-1',
      parameters: { request_id: '5f0c6a0e-8f0b-4b7e-9f5e-2f6f6f1c0c11' },
      outputs: [
        { name: 'head', datatype: 'BYTES', shape: [1], data: ['sst2'] },
        { name: 'label', datatype: 'BYTES', shape: [1], data: ['positive'] },
      ],
    },
  },
  OipError: { unknown: { error: 'model: expected one of sample, got "simple"' } },
  ErrorBody: {
    invalid: {
      error: { code: 'invalid_request', message: 'body: text: expected a text that is not empty', param: 'text', request_id: 'r-1' },
    },
  },
};

// A worker process of a search: opens the inputs once, then measures what its parent asks for, one config at a time. It ends when its
// parent does; an interrupt from the terminal is the parent's to answer.

import { isTwinrouteError, messageOf } from '../../core/errors.ts';
import type { Measurement } from '../../contract/search-config.ts';
import { openEvaluator, type Evaluator, type EvaluatorSetup } from './evaluator.ts';

/** What a parent asks for. */
export type WorkerRequest =
  | { readonly kind: 'open'; readonly setup: EvaluatorSetup }
  | { readonly kind: 'measure'; readonly values: readonly number[]; readonly rows: number | undefined };

/** What it gets for a measure. */
export type WorkerReply = { readonly measurement: Measurement } | { readonly code: string; readonly message: string };

let evaluator: Promise<Evaluator> | undefined;

process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', (request: WorkerRequest) => {
  if (request.kind === 'open') {
    evaluator = openEvaluator(request.setup, () => undefined);
    // Told with the first measure.
    evaluator.catch(() => undefined);
    return;
  }
  const { values, rows } = request;
  Promise.resolve(evaluator)
    .then(async (open): Promise<WorkerReply> => {
      if (open === undefined) return { code: 'internal', message: 'search worker: expected to be opened first' };
      return { measurement: await open.measure(values, rows) };
    })
    .catch((error: unknown): WorkerReply => ({ code: isTwinrouteError(error) ? error.code : 'internal', message: messageOf(error) }))
    .then((reply) => process.send?.(reply))
    .catch(() => process.exit(1));
});

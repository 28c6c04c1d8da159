// Answers to the rows of an inference request, and the tensors that tell them.
//
// Letters: B rows, E experts of the pack.

import * as z from 'zod/mini';
import { Prediction } from '../../contract/http.ts';
import { Count, Name } from '../../contract/names.ts';
import type { OipParameters, OipRequest } from '../../contract/oip.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { mixVector } from '../../core/mix.ts';
import { encodeAnswer, type EncodedAnswer } from '../../formats/oip/codec.ts';
import { answerTensors } from '../../formats/oip/model.ts';
import { stacked, type OutputTensor } from '../../formats/oip/tensors.ts';

/** The answers, as they are kept for who asks again, perhaps in another form. */
export const InferAnswer = z.strictObject({
  /** The pack's experts in their order: the columns of the mix. */
  experts: z.array(Name),
  /** Columns of the logits. */
  width: Count,
  rows: z.array(z.strictObject({ prediction: Prediction, logits: z.array(z.number()) })).check(z.minLength(1)),
});
export type InferAnswer = z.infer<typeof InferAnswer>;

/** An answer's body, with the outputs and in the form that the request wants. */
export function encodeInferAnswer(
  answerJson: string,
  name: string,
  requestId: string,
  request: Pick<OipRequest, 'id' | 'parameters' | 'outputs'>,
): EncodedAnswer {
  const answer = parseJsonWith(InferAnswer, answerJson, 'kept answer', 'internal');
  const { config } = answer.rows[0].prediction;
  const parameters = parametersOf(answer, requestId);
  return encodeAnswer({ modelName: name, modelVersion: config, parameters, outputs: tensorsOf(answer) }, request);
}

/** What is to be told of the request as a whole: the id by which its rows are known (`ID.0`, `ID.1`, … of several), and its experiment. */
function parametersOf({ rows }: InferAnswer, requestId: string): OipParameters {
  const { experiment } = rows[0].prediction;
  return { request_id: requestId, ...(experiment && { experiment: experiment.key, arm: experiment.arm }) };
}

function tensorsOf({ experts, width, rows }: InferAnswer): readonly OutputTensor[] {
  const answered = rows.map(({ prediction: { task, label, usage }, logits }) => ({ head: task, label: label ?? '', logits, ...usage }));
  const predictions = rows.map(({ prediction }) => prediction);
  const mixes = predictions.map(({ mix }) => mixVector(mix, experts));
  const scores = predictions.map(({ explain }) => {
    const entries = explain?.router ?? [];
    return mixVector(
      entries.map(({ expert, score }) => ({ expert, weight: score })),
      experts,
    );
  });
  const shape = [rows.length];
  return [
    ...answerTensors(answered, width),
    stacked('mix', mixes, experts.length),
    stacked('router_scores', scores, experts.length),
    { name: 'abstained', datatype: 'BOOL', shape, values: predictions.map(({ abstained }) => abstained) },
    { name: 'covered', datatype: 'FP32', shape, values: Float32Array.from(predictions, ({ cut }) => cut?.covered ?? 1) },
  ];
}

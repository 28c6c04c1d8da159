// Inputs of a batch, each of which succeeds or fails on its own.

import { PredictEnvelope, PredictInput, type ErrorBody, type Prediction } from '../../contract/http.ts';
import { parseWith } from '../../contract/parse.ts';
import type { TwinrouteError } from '../../core/errors.ts';
import type { AnswerInput } from '../answering.ts';
import { errorBody } from '../errors.ts';

/** Takes what went wrong. */
export type Report = (thrown: unknown, requestId: string) => TwinrouteError;

/** An input of a batch with its own id, or what is wrong with it. */
export type BatchInput =
  | { readonly id: string; readonly input: PredictInput; readonly error?: never }
  | { readonly id: string; readonly input?: never; readonly error: ErrorBody };

/**
 * The inputs of a batch's body.
 * @param id the request's
 * @throws {TwinrouteError} `invalid_request` for what is no batch
 */
export function readInputs(report: Report, body: unknown, id: string): readonly BatchInput[] {
  const { inputs } = parseWith(PredictEnvelope, body, 'body', 'invalid_request');
  return inputs.map((value, index) => {
    const own = `${id}.${index}`;
    try {
      return { id: own, input: parseWith(PredictInput, value, `inputs[${index}]`, 'invalid_request') };
    } catch (thrown) {
      return { id: own, error: errorBody(report(thrown, own), own) };
    }
  });
}

/** Those of the inputs that can be asked. */
export function goodInputs(inputs: readonly BatchInput[]): readonly PredictInput[] {
  return inputs.flatMap(({ input }) => input ?? []);
}

/** One input's answer, or its error. Never throws. */
export async function answerInput(report: Report, { id, input, error }: BatchInput, run: AnswerInput): Promise<Prediction | ErrorBody> {
  if (error !== undefined) return error;
  try {
    return await run(input, id);
  } catch (thrown) {
    return errorBody(report(thrown, id), id);
  }
}

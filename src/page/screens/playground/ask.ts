// One question to /v1/predict and all that its answer says, the headers too.

import { Prediction } from '../../../contract/http.ts';
import type { Api } from '../../api/api.ts';

/** What is asked. */
export interface Question {
  readonly text: string;
  readonly text_pair?: string;
  readonly config?: string;
  readonly task?: string;
  readonly top_k?: number;
  readonly user?: string;
}

/** What an answer cost; undefined where nothing is charged. */
export interface Charge {
  readonly micros: number;
  readonly balanceMicros: number | undefined;
  readonly currency: string;
}

/** An answer and what came with it. */
export interface Answered {
  readonly prediction: Prediction;
  readonly charge: Charge | undefined;
  readonly requestId: string;
  /** As this browser saw it. */
  readonly tookMs: number;
}

/** Asks. @throws {ApiError} */
export async function ask(api: Api, question: Question, signal: AbortSignal): Promise<Answered> {
  const { body, headers, requestId, tookMs } = await api.call(Prediction, '/v1/predict', {
    method: 'POST',
    body: { ...question, explain: true },
    signal,
  });
  return { prediction: body, charge: chargeOf(headers), requestId, tookMs };
}

function chargeOf(headers: Headers): Charge | undefined {
  const micros = headers.get('x-usage-micros');
  const currency = headers.get('x-usage-currency');
  if (micros === null || currency === null) return undefined;
  const balance = headers.get('x-balance-micros');
  return { micros: Number(micros), balanceMicros: balance === null ? undefined : Number(balance), currency };
}

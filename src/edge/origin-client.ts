// One attempt to have a row answered by one endpoint, and what its failure means: for the caller, for a retry, for the endpoint's health.

import type { Endpoint, EndpointTokens } from '../contract/endpoint.ts';
import { ERROR_CODE_HEADER } from '../contract/oip.ts';
import type { Receipt } from '../contract/receipt.ts';
import { TwinrouteError, isTwinrouteError } from '../core/errors.ts';
import type { SigningContext } from '../formats/signing/request-signature.ts';
import type { Asked, EngineCall, Verdict } from './engines/engine.ts';
import { parseBody } from './engines/parse-body.ts';
import { engineAt } from './engines/registry.ts';
import { tokenHeader } from './engines/token-header.ts';
import type { OriginAnswer } from './oip.ts';
import { readBounded } from '../contract/read-bounded.ts';

/** Largest answer: a head of 100,000 classes as JSON. */
const ANSWER_BYTES = 4 << 20;
/** Longest message that is passed on from an origin. */
const MESSAGE_CHARS = 300;

/** A receipt and the nonce of the request that it answers. */
export interface GivenReceipt {
  readonly receipt: Receipt;
  readonly nonce: string;
}

/** The outcome of one attempt. */
export type Attempt =
  | {
      readonly ok: true;
      readonly answer: OriginAnswer;
      /** Verified; undefined where requests are not signed. */
      readonly receipt: GivenReceipt | undefined;
    }
  | {
      readonly ok: false;
      readonly error: TwinrouteError;
      /** Another endpoint may do better. */
      readonly retry: boolean;
      /** What it says about the endpoint; `doubtful` when this one request may have caused it. */
      readonly health: 'up' | 'doubtful' | 'down' | 'unknown';
    };

/** What asking needs. */
export interface OriginDeps {
  readonly fetch: typeof fetch;
  /** Signs requests, and wants receipts; undefined where origins trust the network. */
  readonly signing: SigningContext | undefined;
  /** What endpoints want as bearer tokens, by their ids. */
  readonly endpointTokens?: EndpointTokens | undefined;
}

/** How long an attempt may take. */
export interface AttemptTime {
  /** Longest wait for this attempt. */
  readonly attemptMs: number;
  /** What is left of the request's deadline. */
  readonly remainingMs: number;
  /** Aborted when nobody waits any longer. */
  readonly given: AbortSignal;
}

/**
 * Asks `endpoint` once. Never throws.
 * @param asked what is to be answered
 */
export async function askOrigin(
  deps: OriginDeps,
  endpoint: Endpoint,
  asked: Pick<Asked, 'bundle' | 'row' | 'tokenizer' | 'trace'>,
  time: AttemptTime,
): Promise<Attempt> {
  const budgetMs = Math.max(1, Math.floor(Math.min(time.attemptMs, time.remainingMs)));
  const timeout = AbortSignal.timeout(budgetMs);
  const where = `origin ${endpoint.id}`;
  const engine = engineAt(endpoint);
  let call: EngineCall;
  try {
    call = await engine.call({ ...asked, signing: deps.signing, budgetMs });
  } catch (cause) {
    return unasked(where, cause);
  }
  try {
    const response = await deps.fetch(call.url, {
      method: 'POST',
      headers: { ...call.headers, ...tokenHeader(deps.endpointTokens ?? {}, endpoint) },
      body: call.body,
      redirect: 'manual',
      signal: AbortSignal.any([timeout, time.given]),
    });
    const bytes = await readBounded(
      response,
      ANSWER_BYTES,
      () => new TwinrouteError('upstream', `${where}: expected at most ${ANSWER_BYTES} bytes, got more`),
    );
    const { status, headers } = response;
    if (status !== 200) return refusal(where, response, parseBody(bytes), engine.verdicts?.[status]);
    const { answer, receipt } = await call.read({ status, headers, bytes });
    return { ok: true, answer, receipt };
  } catch (cause) {
    if (timeout.aborted || time.given.aborted) return tooSlow(where, time, cause);
    // An answer that is none, or nobody's: another endpoint may be honest.
    if (isTwinrouteError(cause)) return { ok: false, error: cause, retry: true, health: 'doubtful' };
    return {
      ok: false,
      error: new TwinrouteError('upstream', `${where}: expected an answer, got none`, { cause }),
      retry: true,
      health: 'down',
    };
  }
}

/** A question that could not be put at this endpoint, whose health that says nothing about. */
function unasked(where: string, cause: unknown): Attempt {
  const error = isTwinrouteError(cause) ? cause : new TwinrouteError('internal', `${where}: expected to ask it, got a defect`, { cause });
  return { ok: false, error, retry: true, health: 'unknown' };
}

/** A timeout. An endpoint is not to blame when the caller allowed it less than a whole attempt. */
function tooSlow(where: string, time: AttemptTime, cause: unknown): Attempt {
  const whole = time.remainingMs > time.attemptMs && !time.given.aborted;
  const error = new TwinrouteError('timeout', `${where}: expected an answer in time, got none`, { cause });
  return { ok: false, error, retry: whole, health: whole ? 'down' : 'unknown' };
}

/** What a status other than 200 means. An origin's own words may repeat the text, so they reach neither logs nor, as a rule, the caller. */
function refusal(where: string, response: Response, body: unknown, verdict: Verdict | undefined): Attempt {
  const { status } = response;
  const message = `${where}: expected status 200, got ${status}`;
  const after = retryAfter(response);
  if (verdict !== undefined) {
    const { code, retry, health } = verdict;
    return { ok: false, error: new TwinrouteError(code, message, after), retry, health };
  }
  if (status === 429) return { ok: false, error: new TwinrouteError('overloaded', message, after), retry: true, health: 'up' };
  if (status === 503) return { ok: false, error: new TwinrouteError('unavailable', message, after), retry: true, health: 'down' };
  if (status === 504) return { ok: false, error: new TwinrouteError('timeout', message), retry: true, health: 'doubtful' };
  if (status >= 500) return { ok: false, error: new TwinrouteError('upstream', message), retry: true, health: 'doubtful' };
  // It does not know our key, or our clock: no request will do better there.
  if (status === 401) return { ok: false, error: new TwinrouteError('upstream', message), retry: true, health: 'down' };
  // Only an origin that names the input's fault passes it on; any other refusal is a quarrel between edge and origin.
  const named = response.headers.get(ERROR_CODE_HEADER);
  const error =
    named === 'invalid_request' || named === 'too_large'
      ? new TwinrouteError(named, `${where}: status ${status}: ${errorText(body)}`)
      : new TwinrouteError('upstream', message);
  return { ok: false, error, retry: false, health: 'up' };
}

function errorText(body: unknown): string {
  const text = typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string' ? body.error : 'no message';
  return text.slice(0, MESSAGE_CHARS);
}

function retryAfter(response: Response): { readonly retryAfterSeconds?: number } {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isInteger(seconds) && seconds > 0 && seconds <= 3600 ? { retryAfterSeconds: seconds } : {};
}

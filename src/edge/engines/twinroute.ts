// Our own origin: texts and mixes by the Open Inference Protocol, requests signed and answers with receipts where keys are set.

import { DEADLINE_HEADER, REQUEST_ID_HEADER } from '../../contract/oip.ts';
import type { Receipt } from '../../contract/receipt.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { verifyReceipt } from '../../formats/signing/receipt.ts';
import { signRequest, type SignedRequest, type SigningContext } from '../../formats/signing/request-signature.ts';
import { decodeAnswer, encodeRequest, type OriginAnswer } from '../oip.ts';
import { urlAt, type Asked, type Answered, type Engine, type EngineCall, type EngineResponse } from './engine.ts';
import { parseBody } from './parse-body.ts';

/** How far an FP32 weight may be from the number that it stands for. */
const WEIGHT_TOLERANCE = 1e-6;

/** An origin. */
export function twinroute(endpoint: { readonly url: string }): Engine {
  return {
    mostExperts: Infinity,
    routes: true,
    signs: true,
    cannot: () => undefined,
    call: (asked) => call(endpoint, asked),
    readyUrl: urlAt(endpoint, '/v2/health/ready'),
    configUrl: ({ name, config }) => urlAt(endpoint, `/v2/models/${name}/versions/${config}/ready`),
  };
}

async function call(endpoint: { readonly url: string }, asked: Asked): Promise<EngineCall> {
  const { bundle, row, signing, budgetMs, trace } = asked;
  const message: SignedRequest = {
    method: 'POST',
    url: urlAt(endpoint, `/v2/models/${bundle.name}/versions/${bundle.config}/infer`),
    headers: {
      'content-type': 'application/json',
      [REQUEST_ID_HEADER]: row.id,
      [DEADLINE_HEADER]: String(budgetMs),
      ...trace,
    },
  };
  const body = encodeRequest(row);
  const nonce = signing?.nonce() ?? '';
  const once = signing && { ...signing, nonce: () => nonce };
  const sent = once === undefined ? message : await signRequest(once, message, new TextEncoder().encode(body));
  return { url: sent.url, headers: sent.headers, body, read: (response) => read(response, asked, once, sent, nonce) };
}

async function read(
  { status, headers, bytes }: EngineResponse,
  { bundle, row }: Asked,
  signing: SigningContext | undefined,
  sent: SignedRequest,
  nonce: string,
): Promise<Answered> {
  const answer = decodeAnswer(parseBody(bytes), row, bundle);
  if (signing === undefined) return { answer };
  const receipt = await verifyReceipt(signing, sent, { status, headers: Object.fromEntries(headers) }, bytes);
  expectReceipt(receipt, row.id, bundle.config, answer);
  return { answer, receipt: { receipt, nonce } };
}

/** Holds a receipt against what was asked and what was answered. @throws {TwinrouteError} `upstream` */
function expectReceipt(receipt: Receipt, id: string, config: string, { mix, tokens }: OriginAnswer): void {
  const weights = new Map(Object.entries(receipt.mix ?? {}));
  const merged = mix.filter(({ weight }) => weight !== 0);
  const sameMix =
    weights.size === merged.length &&
    merged.every(({ expert, weight }) => Math.abs((weights.get(expert) ?? 0) - weight) <= WEIGHT_TOLERANCE);
  if (receipt.id === id && receipt.config === config && receipt.rows === 1 && receipt.tokens === tokens && sameMix) return;
  throw new TwinrouteError('upstream', `origin answer: expected a receipt for request ${id} and config ${config}, got another`);
}

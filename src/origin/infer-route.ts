// POST …/infer: from a body to rows, and from outputs to a body.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Context, Handler } from 'hono';
import { TwinrouteError } from '../core/errors.ts';
import { DEADLINE_HEADER, JSON_LENGTH_HEADER, OIP_LIMITS } from '../contract/oip.ts';
import { decodeRequest, encodeAnswer } from '../formats/oip/codec.ts';
import { compress, chooseEncoding, decompress } from '../formats/oip/compression.ts';
import { checkMediaType } from '../formats/oip/media-type.ts';
import { timeoutMs } from '../formats/oip/timeout.ts';
import { signReceipt } from '../formats/signing/receipt.ts';
import { deadlineOf } from './deadline.ts';
import { infer, type InferResult } from './infer.ts';
import { readInputs } from './infer-inputs.ts';
import type { ServedModel } from './model-table.ts';
import type { OipDeps } from './oip-routes.ts';
import { readBody } from './request-body.ts';
import type { OriginEnv } from './request-id.ts';

/** The handler. */
export function inferRoute(deps: OipDeps): Handler<OriginEnv> {
  const answer = inferHandler(deps);
  return async (c) => {
    const model = deps.table.find(c.req.param('model') ?? '', c.req.param('version'));
    // Whatever is served under its name meanwhile: this one stays until its answer is written.
    const leave = model.gate.enter();
    try {
      return await answer(c, model);
    } finally {
      leave();
    }
  };
}

function inferHandler({ clock, maxDeadlineMs, trust }: OipDeps): (c: Context<OriginEnv>, model: ServedModel) => Promise<Response> {
  return async (c, model) => {
    const startMs = clock.now();
    const { name, predictor } = model;
    c.set('inferred', { model: name, version: predictor.version, rows: 0, times: undefined });
    checkMediaType(c.req.header('content-type'));
    const latest = deadlineOf(c.req.header(DEADLINE_HEADER), startMs, maxDeadlineMs);
    // Before anything is read: under overload refusals are most of the work.
    model.batcher.check?.(latest);
    // Read already where it had to be verified.
    const sent = c.var.signed?.body ?? (await readBody(c.req.raw, { clock, maxDeadlineMs }));
    const plain = await decompress(sent, c.req.header('content-encoding'), OIP_LIMITS.bodyBytes);
    const decoded = decodeRequest(plain, c.req.header(JSON_LENGTH_HEADER));
    const deadline = Math.min(latest, startMs + (timeoutMs(decoded.request.parameters) ?? Infinity));
    const { signal } = c.req.raw;
    const inputs = await readInputs(model, decoded, async () => {
      await nextTurn();
      if (signal.aborted || clock.now() >= deadline)
        throw new TwinrouteError('timeout', 'origin: the deadline passed before all texts were read');
    });
    const inputMs = clock.now() - startMs;
    const result = await infer(model, inputs, { deadline, signal });
    const { version: config } = predictor;
    const { queueMs, computeMs, mixes } = result;
    c.set('inferred', { model: name, version: config, rows: mixes.length, times: { inputMs, queueMs, computeMs } });
    const { body, headers } = encodeAnswer({ modelName: name, modelVersion: config, outputs: result.outputs }, decoded.request);
    const timing = `queue;dur=${queueMs.toFixed(2)}, compute;dur=${computeMs.toFixed(2)}`;
    const { signed, requestId: id } = c.var;
    if (trust !== undefined && signed !== undefined) {
      // What is signed leaves as it is.
      const receipt = { id, config, ...receiptOf(result) };
      const receiptHeaders = await signReceipt(trust, signed.request, 200, body, receipt);
      trust.book?.add({ ...receipt, at_ms: trust.now(), nonce: signed.nonce });
      return c.body(body, 200, { ...headers, ...receiptHeaders, 'server-timing': timing });
    }
    const encoding = chooseEncoding(c.req.header('accept-encoding'), body.length);
    const encoded = encoding === undefined ? body : await compress(body, encoding);
    return c.body(encoded, 200, {
      ...headers,
      'server-timing': timing,
      vary: 'accept-encoding',
      ...(encoding !== undefined && { 'content-encoding': encoding }),
    });
  };
}

function receiptOf({ mixes, tokens }: InferResult) {
  return { rows: mixes.length, tokens, ...(mixes.length === 1 && { mix: mixes[0] }) };
}

// POST …/infer: every row takes the path of /v1/predict, and the request fails with the first that does: the protocol knows no partial answers.

import type { Context } from 'hono';
import { HTTP_LIMITS, type PredictInput } from '../../contract/http.ts';
import { JSON_LENGTH_HEADER, type OipRequest } from '../../contract/oip.ts';
import { isTwinrouteError, TwinrouteError } from '../../core/errors.ts';
import { checkWanted, decodeRequest, type EncodedAnswer } from '../../formats/oip/codec.ts';
import { chooseEncoding, compress, decompress } from '../../formats/oip/compression.ts';
import { checkMediaType } from '../../formats/oip/media-type.ts';
import { widestHead } from '../../formats/oip/model.ts';
import { timeoutMs } from '../../formats/oip/timeout.ts';
import { predictBill, predictBound } from '../accounts/bill.ts';
import { charged } from '../accounts/charged.ts';
import { BATCH_CONCURRENCY, createAnswering, type AnsweringDeps, type AnswerInput, type Patience } from '../answering.ts';
import { deadlineOf, TIMEOUT_HEADER } from '../deadline.ts';
import { mapLimited } from '../map-limited.ts';
import { readBody } from '../read-json.ts';
import type { EdgeTypes } from '../types.ts';
import { encodeInferAnswer, type InferAnswer } from './infer-answer.ts';
import { readRows } from './read-rows.ts';
import { findModel, metadataOf, type ServedModel } from './served-models.ts';

/** The handler, for paths that name a model and perhaps a version. */
export function inferHandler(deps: AnsweringDeps): (c: Context<EdgeTypes>) => Promise<Response> {
  const answering = createAnswering(deps);
  return async (c) => {
    const { model, request, inputs, patience } = await readRequest(deps, c);
    const tenant = c.get('tenant');
    const id = c.get('requestId');
    const given = new AbortController();
    const run = answering(c, { ...patience, given: given.signal });
    return charged<InferAnswer>(c, {
      operation: 'predict',
      // Not how it is written: the same question may be asked as JSON and in bytes.
      body: { model: model.name, version: model.config ?? '', inputs },
      bound: (prices) => predictBound(deps.bundles, inputs, tenant, prices),
      bill: ({ rows }, prices) =>
        predictBill(
          rows.map(({ prediction }) => prediction),
          prices,
          c.get('receipts'),
        ),
      async work() {
        try {
          const rows = await answerRows(run, inputs, id);
          if (rows.length === 1) {
            const { timing } = rows[0].prediction;
            c.set('timings', { router: timing.router_ms, origin: timing.origin_ms });
          }
          const { experts } = (await deps.bundles.load(rows[0].prediction.config)).bundle;
          return { experts: experts.map(({ name }) => name), width: widestHead(experts), rows: [...rows] };
        } catch (thrown) {
          given.abort();
          throw thrown;
        }
      },
      respond: (answerJson) => send(c, encodeInferAnswer(answerJson, model.name, id, request)),
    });
  };
}

/** What is asked, of which model, and how long that may take. */
interface ReadRequest {
  readonly model: ServedModel;
  readonly request: OipRequest;
  readonly inputs: readonly PredictInput[];
  readonly patience: Patience;
}

async function readRequest(deps: AnsweringDeps, c: Context<EdgeTypes>): Promise<ReadRequest> {
  const startMs = deps.now();
  const latestMs = deadlineOf(c.req.raw.headers, startMs, deps.upstream.request_ms);
  const model = await findModel(deps.bundles, c.get('tenant'), c.req.param('model') ?? '', c.req.param('version'));
  checkMediaType(c.req.header('content-type'));
  const sent = await readBody(c.req.raw, HTTP_LIMITS.bodyBytes, latestMs - deps.now());
  const plain = await decompress(sent, c.req.header('content-encoding'), HTTP_LIMITS.bodyBytes);
  const decoded = decodeRequest(plain, c.req.header(JSON_LENGTH_HEADER));
  const { request } = decoded;
  // Before any work: what is wrong with it must not be found out once it is paid for.
  checkWanted(
    metadataOf(model).outputs.map(({ name }) => name),
    request.outputs,
  );
  const wishMs = timeoutMs(request.parameters);
  const patience = {
    deadlineMs: Math.min(latestMs, startMs + (wishMs ?? Infinity)),
    hurried: wishMs !== undefined || c.req.header(TIMEOUT_HEADER) !== undefined,
  };
  return { model, request, inputs: readRows(model, decoded), patience };
}

async function answerRows(run: AnswerInput, inputs: readonly PredictInput[], id: string): Promise<readonly InferAnswer['rows'][number][]> {
  const several = inputs.length > 1;
  const rows = await mapLimited(inputs, BATCH_CONCURRENCY, async (input, index) => {
    let logits: readonly number[] = [];
    try {
      const prediction = await run(input, several ? `${id}.${index}` : id, (told) => void (logits = told));
      return { prediction, logits: [...logits] };
    } catch (thrown) {
      throw several ? inRow(thrown, index) : thrown;
    }
  });
  const [first] = rows;
  // One version stands for the whole answer.
  if (rows.every(({ prediction }) => prediction.config === first.prediction.config)) return rows;
  throw new TwinrouteError('unavailable', 'infer: expected one config for all rows, got several: an experiment changed meanwhile', {
    retryAfterSeconds: 1,
  });
}

/** The error of one row of several. */
function inRow(thrown: unknown, row: number): unknown {
  if (!isTwinrouteError(thrown)) return thrown;
  const { code, message, param, retryAfterSeconds, details, cause } = thrown;
  return new TwinrouteError(code, `row ${row}: ${message}`, {
    ...(param !== undefined && { param }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(details !== undefined && { details }),
    cause: cause ?? thrown,
  });
}

async function send(c: Context<EdgeTypes>, { body, headers }: EncodedAnswer): Promise<Response> {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  c.header('vary', 'accept-encoding', { append: true });
  // Cloudflare asks Workers for its own favourites, and tells apart what the client accepts.
  const told: unknown = c.req.raw.cf?.['clientAcceptEncoding'];
  const encoding = chooseEncoding(typeof told === 'string' ? told : c.req.header('accept-encoding'), body.length);
  if (encoding === undefined) return c.body(body, 200);
  c.header('content-encoding', encoding);
  // Only hono knows the headers so far, and only workerd that the body is encoded already.
  const { headers: all } = c.body(null, 200);
  return new Response(await compress(body, encoding), { headers: all, encodeBody: 'manual' });
}

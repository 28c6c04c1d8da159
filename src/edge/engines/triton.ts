// Triton, KServe and other servers of the Open Inference Protocol with what `twinroute export --format triton` wrote: the merge is inside their
// graph, the tokenizer is ours. They have no receipts, and cannot tell which config they hold: ENDPOINTS says so.
// Source: Triton's binary tensor data extension; its statuses: 404 not found, 503 unavailable, 501 unsupported, 500 internal, 400 for all else.
//
// Letters: T tokens, E experts, P gated parts, C classes of all heads.

import type { EdgeBundle } from '../../contract/edge-bundle.ts';
import type { TritonEndpoint } from '../../contract/endpoint.ts';
import { JSON_LENGTH_HEADER, REQUEST_ID_HEADER } from '../../contract/oip.ts';
import { messageOf, TwinrouteError } from '../../core/errors.ts';
import { mixVector } from '../../core/mix.ts';
import type { Tensor } from '../../core/tensor.ts';
import { decodeInferResponse, encodeInferRequest, type DecodedResponse } from '../../formats/oip/client-codec.ts';
import { readNumbers } from '../../formats/oip/tensors.ts';
import type { Encoding } from '../../formats/tokenizer.ts';
import { encoderFeeds } from '../../model/encoder-feeds.ts';
import type { OriginAnswer, OriginRequest } from '../oip.ts';
import { urlAt, type Asked, type Engine, type EngineCall, type Verdict } from './engine.ts';

/** Shortest row that is sent, in tokens. The server batches requests of one length, so lengths are powers of two from here on, up to the pack's longest. */
const SHORTEST_ROW = 16;
/** The request is all ours but the text, which became numbers: what is wrong with it is not the caller's fault, and another endpoint may take it. */
const MISFIT: Verdict = { code: 'upstream', retry: true, health: 'doubtful' };

/** Such a server. */
export function triton(endpoint: TritonEndpoint): Engine {
  const model = ({ name }: Pick<EdgeBundle, 'name'>): string => urlAt(endpoint, `/v2/models/${encodeURIComponent(endpoint.model ?? name)}`);
  return {
    mostExperts: Infinity,
    routes: false,
    signs: false,
    cannot({ bundle, originRoutes }) {
      if (originRoutes) return 'route by a router of its own';
      return bundle.tokenizer === undefined ? 'read texts: the edge’s assets have no tokenizer, build them anew' : undefined;
    },
    call: (asked) => call(`${model(asked.bundle)}/infer`, asked),
    verdicts: { 400: MISFIT, 404: MISFIT, 501: MISFIT },
    readyUrl: urlAt(endpoint, '/v2/health/ready'),
    configUrl: (bundle) => `${model(bundle)}/ready`,
  };
}

async function call(url: string, { bundle, row, tokenizer, budgetMs, trace }: Asked): Promise<EngineCall> {
  const { merge } = row;
  if (merge === undefined || tokenizer === undefined)
    throw new TwinrouteError('internal', 'triton: expected a merge and a tokenizer, got none');
  const encoding = (await tokenizer()).encode(row.text, row.textPair);
  const longest = bundle.tokenizer?.max_tokens ?? encoding.ids.length;
  const { body, headers } = encodeInferRequest({
    id: row.id,
    // Triton's own deadline, in microseconds: what has waited longer is not computed any more, where the queue's policy lets requests say so.
    parameters: { timeout: 1000 * budgetMs },
    inputs: {
      ...encoderFeeds([encoding], paddedLength(encoding.ids.length, longest)),
      ...(bundle.gated === true ? {} : { mix: mixTensor(bundle, merge.mix) }),
    },
    outputs: bundle.gated === true ? ['logits', 'gates'] : ['logits'],
  });
  return {
    url,
    headers: { ...headers, [REQUEST_ID_HEADER]: row.id, ...trace },
    body,
    read: ({ headers: told, bytes }) => ({
      answer: toAnswer(decode(bytes, told.get(JSON_LENGTH_HEADER), row.id), bundle, merge, encoding),
    }),
  };
}

/** The next length that is sent, for a row of `tokens`. */
function paddedLength(tokens: number, longest: number): number {
  return Math.min(longest, 2 ** Math.ceil(Math.log2(Math.max(tokens, SHORTEST_ROW))));
}

/** `[1, E]` in the pack's order. */
function mixTensor({ experts }: EdgeBundle, mix: OriginAnswer['mix']): Tensor {
  const names = experts.map(({ name }) => name);
  return { dtype: 'float32', shape: [1, names.length], data: mixVector(mix, names) };
}

/** @throws {TwinrouteError} `upstream` in words of ours */
function decode(bytes: Uint8Array, jsonLength: string | null, id: string): DecodedResponse {
  let decoded: DecodedResponse;
  try {
    decoded = decodeInferResponse(bytes, jsonLength);
  } catch (cause) {
    throw new TwinrouteError('upstream', `engine answer: expected an answer of the protocol, got ${messageOf(cause)}`, { cause });
  }
  // Whoever stands between may mix answers up.
  const { id: echoed } = decoded.response;
  if (echoed !== undefined && echoed !== id) throw new TwinrouteError('upstream', 'engine answer: expected the request’s id, got another');
  return decoded;
}

function toAnswer(
  decoded: DecodedResponse,
  { experts, gated }: EdgeBundle,
  { mix, head }: NonNullable<OriginRequest['merge']>,
  { ids, truncated }: Encoding,
): OriginAnswer {
  const index = experts.findIndex(({ name }) => name === head);
  const width = experts.map(({ labels }) => labels.length);
  const first = width.slice(0, index).reduce((sum, classes) => sum + classes, 0);
  const all = width.reduce((sum, classes) => sum + classes, 0);
  const logits = readFloats(decoded, 'logits', ([rows, columns, ...rest]) => rows === 1 && columns === all && rest.length === 0);
  return {
    mix: gated === true ? readGates(decoded, experts) : mix,
    head,
    logits: logits.slice(first, first + width[index]),
    tokens: ids.length,
    truncated,
    scores: [],
  };
}

/** What gates inside the model decided, `[1, P, E]`, as the mean over its parts, heaviest first: what an origin tells. */
function readGates(decoded: DecodedResponse, experts: EdgeBundle['experts']): OriginAnswer['mix'] {
  const fits = ([rows, parts, columns, ...rest]: readonly number[]): boolean =>
    rows === 1 && parts >= 1 && columns === experts.length && rest.length === 0;
  const gates = readFloats(decoded, 'gates', fits);
  const parts = gates.length / experts.length;
  const mean = (column: number): number => gates.reduce((sum, gate, i) => (i % experts.length === column ? sum + gate : sum), 0) / parts;
  return experts.map(({ name: expert }, column) => ({ expert, weight: mean(column) })).sort((a, b) => b.weight - a.weight);
}

/** @throws {TwinrouteError} `upstream` for anything but finite FP32 values of a shape that fits */
function readFloats({ tensors }: DecodedResponse, name: string, fits: (shape: readonly number[]) => boolean): readonly number[] {
  const tensor = tensors.get(name);
  const refuse = (got: string): TwinrouteError =>
    new TwinrouteError('upstream', `engine answer: ${name}: expected FP32 values of the pack’s shape, got ${got}`);
  if (tensor?.datatype !== 'FP32') throw refuse(tensor === undefined ? 'nothing' : tensor.datatype);
  if (!fits(tensor.shape)) throw refuse(`[${tensor.shape.join(', ')}]`);
  let values: Float64Array;
  try {
    values = readNumbers(tensor);
  } catch {
    throw refuse('others');
  }
  if (!values.every(Number.isFinite)) throw refuse('values that are not finite');
  return Array.from(values);
}

// The tensors of an inference request as rows: what was sent is held against the model's inputs, then every row has its token ids, its
// mix over the model's own experts, and the head it asks for.

import * as z from 'zod/mini';
import { TwinrouteError } from '../core/errors.ts';
import { OIP_LIMITS, type OipParameters } from '../contract/oip.ts';
import { parseWith } from '../contract/parse.ts';
import type { DecodedRequest } from '../formats/oip/codec.ts';
import { readMixes } from '../formats/oip/mix-tensor.ts';
import { checkInputs } from '../formats/oip/model.ts';
import { readNumbers } from '../formats/oip/tensors.ts';
import { readHeadColumn, readTextColumns, requireTensor, type Tensors } from '../formats/oip/texts.ts';
import type { Encoding } from '../formats/tokenizer.ts';
import { inputsOf, TOKEN_INPUTS } from './model-metadata.ts';
import type { ServedModel } from './model-table.ts';
import type { Predictor } from './predictor.ts';

/** One row of a request. */
export interface InferRow {
  readonly encoded: Encoding;
  /** `[E]` */
  readonly mix: Float32Array;
  /** Index of the expert whose head answers; undefined leaves it to the mix. */
  readonly head: number | undefined;
}

/** A request, ready to run. */
export interface InferInputs {
  readonly rows: readonly InferRow[];
  /** Set when the origin decides on the mixes; `topK` overrides its policy's. */
  readonly route: { readonly topK: number | undefined } | undefined;
}

/**
 * Rows of a decoded request.
 * @param pause called between rows that take time; what it throws ends the work
 * @throws {TwinrouteError} `invalid_request` or `not_found` naming the tensor; `unsupported` for routing where there is no router
 */
export async function readInputs(
  model: ServedModel,
  { request, tensors }: DecodedRequest,
  pause: () => Promise<void>,
): Promise<InferInputs> {
  const { predictor } = model;
  const batch = checkInputs(inputsOf(model), [...tensors.values()], OIP_LIMITS.rows);
  const experts = predictor.experts.map(({ name }) => name);
  const route = readRoute(request.parameters);
  if (route !== undefined && predictor.route === undefined)
    throw new TwinrouteError('unsupported', `parameters.route: model ${model.name} has no origin router`, { param: 'route' });
  const mixTensor = tensors.get('mix');
  if (route !== undefined && mixTensor !== undefined)
    throw new TwinrouteError('invalid_request', 'inputs.mix: expected none when route is true', { param: 'mix' });

  const heads = readHeadColumn(experts, tensors, batch);
  const mixes = readMixes(experts, mixTensor, request.parameters, batch);
  if (route === undefined) {
    const lost = heads.findIndex((head, row) => head === undefined && mixes[row].every((weight) => weight === 0));
    if (lost >= 0)
      throw new TwinrouteError('invalid_request', `inputs.head: expected an expert's name for row ${lost}, whose mix is empty`, {
        param: 'head',
      });
  }
  const encoded = model.reads === 'text' ? await encodeTexts(predictor, tensors, batch, pause) : readTokens(predictor, tensors, batch);
  return { route, rows: encoded.map((row, i) => ({ encoded: row, mix: mixes[i], head: indexOf(experts, heads[i]) })) };
}

function indexOf(experts: readonly string[], head: string | undefined): number | undefined {
  return head === undefined ? undefined : experts.indexOf(head);
}

const RouteParameters = z.object({
  route: z._default(z.boolean(), false),
  top_k: z.optional(z.int().check(z.minimum(1), z.maximum(64))),
});

function readRoute(parameters: OipParameters = {}): InferInputs['route'] {
  const { route, top_k: topK } = parseWith(RouteParameters, parameters, 'parameters', 'invalid_request');
  return route ? { topK } : undefined;
}

/** Long texts take milliseconds each to tokenise, so others get their turn in between. */
async function encodeTexts(
  predictor: Predictor,
  tensors: Tensors,
  batch: number,
  pause: () => Promise<void>,
): Promise<readonly Encoding[]> {
  const rows = readTextColumns(tensors, batch);
  for (const [row, { text, pair = '' }] of rows.entries()) {
    checkLength('text', text, row);
    checkLength('text_pair', pair, row);
  }
  const blank = rows.findIndex(({ text }) => text.trim() === '');
  if (blank >= 0)
    throw new TwinrouteError('invalid_request', `inputs.text: expected a text that is not empty in row ${blank}`, { param: 'text' });
  const encoded: Encoding[] = [];
  for (const [i, { text, pair }] of rows.entries()) {
    if (i > 0) await pause();
    encoded.push(predictor.encode(text, pair));
  }
  return encoded;
}

function checkLength(name: string, text: string, row: number): void {
  if (text.length <= OIP_LIMITS.textChars) return;
  throw new TwinrouteError(
    'invalid_request',
    `inputs.${name}: expected at most ${OIP_LIMITS.textChars} characters, got ${text.length} in row ${row}`,
    { param: name },
  );
}

/** Token ids as sent, each row cut to its mask, which must be ones followed by zeros: the graph knows no gaps. */
function readTokens(predictor: Predictor, tensors: Tensors, batch: number): readonly Encoding[] {
  const raw = TOKEN_INPUTS.map((name) => requireTensor(tensors, name));
  const tokens = raw[0].shape[1];
  for (const { name, shape } of raw) {
    if (shape[1] !== tokens || tokens < 1 || tokens > predictor.maxTokens) {
      throw new TwinrouteError(
        'invalid_request',
        `inputs.${name}: expected [${batch}, T] with the same T of 1 to ${predictor.maxTokens}, got [${shape.join(', ')}]`,
        { param: name },
      );
    }
  }
  const [ids, mask, types] = raw.map(readNumbers);
  checkBelow(ids, predictor.vocabulary, 'input_ids');
  checkBelow(types, predictor.segments, 'token_type_ids');
  checkBelow(mask, 2, 'attention_mask');
  return Array.from({ length: batch }, (_, row) => {
    const start = row * tokens;
    const kept = mask.subarray(start, start + tokens).indexOf(0);
    const end = kept < 0 ? start + tokens : start + kept;
    if (end === start || mask.subarray(end, start + tokens).includes(1)) {
      throw new TwinrouteError('invalid_request', `inputs.attention_mask: expected ones followed by zeros in row ${row}`, {
        param: 'attention_mask',
      });
    }
    return { ids: Int32Array.from(ids.subarray(start, end)), types: Int32Array.from(types.subarray(start, end)), truncated: false };
  });
}

function checkBelow(values: Float64Array, limit: number, name: string): void {
  const bad = values.findIndex((value) => value < 0 || value >= limit);
  if (bad >= 0)
    throw new TwinrouteError('invalid_request', `inputs.${name}: expected values from 0 to ${limit - 1}, got ${values[bad]}`, {
      param: name,
    });
}

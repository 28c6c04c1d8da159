// The tensors of an inference request as rows: what was sent is held against the model's inputs, then every row has its token ids, its
// mix over the model's own experts, and the head it asks for.

import * as z from 'zod/mini';
import { TwinrouteError } from '../core/errors.ts';
import { OIP_LIMITS, type OipDatatype, type OipParameters } from '../contract/oip.ts';
import { parseWith } from '../contract/parse.ts';
import type { Encoding } from '../formats/tokenizer.ts';
import { readMixes } from './mix-input.ts';
import { inputsOf } from './model-metadata.ts';
import type { ServedModel } from './model-table.ts';
import type { DecodedRequest } from './oip-codec.ts';
import { readNumbers, readTexts, type RawTensor } from './oip-tensors.ts';
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
  const batch = checkShapes(model, [...tensors.values()]);
  const route = readRoute(request.parameters);
  if (route !== undefined && predictor.route === undefined)
    throw new TwinrouteError('unsupported', `parameters.route: model ${model.name} has no origin router`, { param: 'route' });
  const mixTensor = tensors.get('mix');
  if (route !== undefined && mixTensor !== undefined)
    throw new TwinrouteError('invalid_request', 'inputs.mix: expected none when route is true', { param: 'mix' });

  const heads = readHeads(predictor, tensors.get('head'), batch);
  const mixes = readMixes(predictor.experts, mixTensor, request.parameters, batch);
  if (route === undefined) {
    const lost = heads.findIndex((head, row) => head === undefined && mixes[row].every((weight) => weight === 0));
    if (lost >= 0)
      throw new TwinrouteError('invalid_request', `inputs.head: expected an expert's name for row ${lost}, whose mix is empty`, {
        param: 'head',
      });
  }
  const encoded = model.reads === 'text' ? await encodeTexts(predictor, tensors, batch, pause) : readTokens(predictor, tensors, batch);
  return { route, rows: encoded.map((row, i) => ({ encoded: row, mix: mixes[i], head: heads[i] })) };
}

const RouteParameters = z.object({
  route: z._default(z.boolean(), false),
  top_k: z.optional(z.int().check(z.minimum(1), z.maximum(64))),
});

function readRoute(parameters: OipParameters = {}): InferInputs['route'] {
  const { route, top_k: topK } = parseWith(RouteParameters, parameters, 'parameters', 'invalid_request');
  return route ? { topK } : undefined;
}

/** Holds names, datatypes and shapes against the model's inputs; returns the number of rows. */
function checkShapes(model: ServedModel, tensors: readonly RawTensor[]): number {
  const specs = inputsOf(model);
  const batch = tensors[0].shape[0];
  if (batch < 1 || batch > OIP_LIMITS.rows)
    throw new TwinrouteError('invalid_request', `inputs: expected 1 to ${OIP_LIMITS.rows} rows, got ${batch}`, { param: 'inputs' });
  for (const { name, datatype, shape } of tensors) {
    const spec = specs.find((candidate) => candidate.name === name);
    if (spec === undefined) {
      throw new TwinrouteError(
        'invalid_request',
        `inputs: expected some of ${specs.map((known) => known.name).join(', ')}, got "${name}"`,
        { param: 'inputs' },
      );
    }
    if (!accepts(spec.datatype, datatype))
      throw new TwinrouteError('invalid_request', `inputs.${name}: expected ${spec.datatype}, got ${datatype}`, { param: name });
    // The columns of a mix are checked with the names that they stand for.
    if (shape.length !== spec.shape.length || shape[0] !== batch) {
      throw new TwinrouteError(
        'invalid_request',
        `inputs.${name}: expected [${[batch, ...spec.shape.slice(1)].join(', ')}], got [${shape.join(', ')}]`,
        { param: name },
      );
    }
  }
  return batch;
}

function accepts(wanted: OipDatatype, given: OipDatatype): boolean {
  return wanted === given || (wanted === 'INT64' && given === 'INT32');
}

function readHeads({ experts }: Predictor, tensor: RawTensor | undefined, batch: number): readonly (number | undefined)[] {
  if (tensor === undefined) return Array.from({ length: batch }, () => undefined);
  return readTexts(tensor).map((name) => {
    if (name === '') return undefined;
    const index = experts.findIndex((expert) => expert.name === name);
    if (index >= 0) return index;
    throw new TwinrouteError('not_found', `inputs.head: expected an expert that is resident here, got "${name.slice(0, 64)}"`, {
      param: 'head',
    });
  });
}

/** Long texts take milliseconds each to tokenise, so others get their turn in between. */
async function encodeTexts(
  predictor: Predictor,
  tensors: ReadonlyMap<string, RawTensor>,
  batch: number,
  pause: () => Promise<void>,
): Promise<readonly Encoding[]> {
  const texts = readTexts(required(tensors, 'text'));
  const pairTensor = tensors.get('text_pair');
  const pairs = pairTensor === undefined ? Array.from({ length: batch }, () => '') : readTexts(pairTensor);
  for (const [name, column] of [
    ['text', texts],
    ['text_pair', pairs],
  ] as const) {
    const long = column.findIndex((text) => text.length > OIP_LIMITS.textChars);
    if (long >= 0)
      throw new TwinrouteError(
        'invalid_request',
        `inputs.${name}: expected at most ${OIP_LIMITS.textChars} characters, got ${column[long].length} in row ${long}`,
        { param: name },
      );
  }
  const blank = texts.findIndex((text) => text.trim() === '');
  if (blank >= 0)
    throw new TwinrouteError('invalid_request', `inputs.text: expected a text that is not empty in row ${blank}`, { param: 'text' });
  const encoded: Encoding[] = [];
  for (const [i, text] of texts.entries()) {
    if (i > 0) await pause();
    encoded.push(pairs[i] === '' ? predictor.encode(text) : predictor.encode(text, pairs[i]));
  }
  return encoded;
}

/** Token ids as sent, each row cut to its mask, which must be ones followed by zeros: the graph knows no gaps. */
function readTokens(predictor: Predictor, tensors: ReadonlyMap<string, RawTensor>, batch: number): readonly Encoding[] {
  const raw = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => required(tensors, name));
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

function required(tensors: ReadonlyMap<string, RawTensor>, name: string): RawTensor {
  const tensor = tensors.get(name);
  if (tensor !== undefined) return tensor;
  throw new TwinrouteError('invalid_request', `inputs: expected "${name}", got none`, { param: name });
}

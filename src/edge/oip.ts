// The Open Inference Protocol v2 as the edge speaks it to an origin: one row, JSON tensors. Answers are outside input and are checked
// as such: an origin that lies is caught here.

import type { EdgeBundle, EdgeExpert } from '../contract/edge-bundle.ts';
import { OipResponse, type OipOutput } from '../contract/oip.ts';
import { parseWith } from '../contract/parse.ts';
import { TwinrouteError } from '../core/errors.ts';
import { type Mix, parseMix } from '../core/mix.ts';
import type { RouterScore } from '../core/routing/policy.ts';

/** One row to infer. */
export interface OriginRequest {
  readonly id: string;
  readonly text: string;
  readonly textPair: string | undefined;
  /** The merge that was decided, or undefined to let the origin's own router decide. */
  readonly merge: { readonly mix: Mix; readonly head: string } | undefined;
  /** Overrides the policy's top_k where the origin routes. */
  readonly topK: number | undefined;
}

/** Text instead of logits. */
export interface GeneratedText {
  readonly text: string;
  /** `length`: it was cut where as many tokens were written as may be. */
  readonly finish: 'stop' | 'length';
}

/** One row's answer. */
export interface OriginAnswer {
  /** What was mixed: as it was asked for, as the origin routed, or as the model's gates weighed the experts. */
  readonly mix: Mix;
  /** The expert whose head answered. */
  readonly head: string;
  /** One per class of the head, finite; empty where the engine gives text. */
  readonly logits: readonly number[];
  /** What an engine wrote that gives text. */
  readonly output?: GeneratedText | undefined;
  /** The engine takes one adapter at a time: the best expert answered alone, at full scale, where another mix was wanted. */
  readonly oneAdapter?: true | undefined;
  readonly tokens: number;
  readonly truncated: boolean;
  /** The origin router's scores, highest first; empty where it was not asked. */
  readonly scores: readonly RouterScore[];
}

/** The request's JSON body. */
export function encodeRequest(request: OriginRequest): string {
  const { id, text, textPair, merge, topK } = request;
  const inputs: unknown[] = [bytesTensor('text', text)];
  if (textPair !== undefined) inputs.push(bytesTensor('text_pair', textPair));
  if (merge === undefined)
    return JSON.stringify({ id, parameters: { route: true, ...(topK === undefined ? {} : { top_k: topK }) }, inputs });
  if (merge.mix.length > 0) inputs.push(mixTensor(merge.mix));
  inputs.push(bytesTensor('head', merge.head));
  return JSON.stringify({ id, inputs });
}

/** Only the mix's own experts travel, named by a parameter: an endpoint may hold others. */
function mixTensor(mix: Mix): unknown {
  const experts = mix.map((entry) => entry.expert).join(',');
  return { name: 'mix', datatype: 'FP32', shape: [1, mix.length], parameters: { experts }, data: mix.map((entry) => entry.weight) };
}

function bytesTensor(name: string, value: string): unknown {
  return { name, datatype: 'BYTES', shape: [1], data: [value] };
}

/**
 * The answer to `request`.
 * @param value the origin's parsed JSON
 * @throws {TwinrouteError} `upstream` when it is not an answer to this request
 */
export function decodeAnswer(value: unknown, request: OriginRequest, bundle: EdgeBundle): OriginAnswer {
  const { model_version: version, outputs } = parseWith(OipResponse, value, 'origin answer', 'upstream');
  // Who counts an answer for a config must know that it is that config's.
  if (version !== bundle.config) throw lie('model_version', bundle.config, version === undefined ? 'nothing' : 'another');
  const tensors: Tensors = new Map(outputs.map((tensor) => [tensor.name, tensor]));
  const { mix, head, scores } = request.merge === undefined ? decodeRouting(tensors, bundle) : { ...request.merge, scores: [] };
  const gates = tensors.has('gates') ? decodeGates(tensors, bundle) : undefined;
  const expert = bundle.experts.find((candidate) => candidate.name === head);
  if (expert === undefined) throw new TwinrouteError('internal', `decodeAnswer: expected an expert of ${bundle.config}, got ${head}`);
  return {
    mix: gates ?? mix,
    head,
    scores,
    logits: decodeLogits(tensors, expert),
    tokens: readCount(tensors, 'tokens'),
    truncated: read(tensors, 'truncated', 'BOOL', 1)[0],
  };
}

type Tensors = ReadonlyMap<string, OipOutput>;

/** The head's own columns; the tensor is as wide as the widest head. */
function decodeLogits(tensors: Tensors, expert: EdgeExpert): readonly number[] {
  const [classes] = read(tensors, 'classes', 'INT32', 1);
  if (classes !== expert.labels.length) throw lie('classes', `${expert.labels.length} for ${expert.name}`, String(classes));
  const logits = read(tensors, 'logits', 'FP32');
  if (logits.length < classes) throw lie('logits', `at least ${classes} elements`, String(logits.length));
  return logits.slice(0, classes);
}

/** What the origin's router decided. */
function decodeRouting(tensors: Tensors, bundle: EdgeBundle): Pick<OriginAnswer, 'mix' | 'head' | 'scores'> {
  const names = bundle.experts.map((expert) => expert.name);
  const weights = readByExpert(tensors, 'mix', names).map(({ expert, value }) => ({ expert, weight: value }));
  const scores = readByExpert(tensors, 'router_scores', names).map(({ expert, value }) => ({ expert, score: value }));
  scores.sort((a, b) => b.score - a.score);
  let mix: Mix;
  try {
    mix = parseMix(weights, names);
  } catch (cause) {
    throw new TwinrouteError('upstream', 'origin answer: mix: expected weights ≥ 0 whose sum is at most 1, got others', { cause });
  }
  const [head] = read(tensors, 'head', 'BYTES', 1);
  if (!names.includes(head)) throw lie('head', 'an expert of the pack', 'another name');
  return { mix, scores, head };
}

/** What gates inside the model decided, whatever the mix was: any real weights, heaviest first. */
function decodeGates(tensors: Tensors, bundle: EdgeBundle): OriginAnswer['mix'] {
  const names = bundle.experts.map((expert) => expert.name);
  const weights = readByExpert(tensors, 'gates', names).map(({ expert, value }) => ({ expert, weight: value }));
  return weights.sort((a, b) => b.weight - a.weight);
}

/** A tensor `[1, E]`, one column per expert of the pack in the pack's order. */
function readByExpert(tensors: Tensors, name: string, experts: readonly string[]): { expert: string; value: number }[] {
  const values = read(tensors, name, 'FP32', experts.length);
  return experts.map((expert, i) => ({ expert, value: values[i] }));
}

function readCount(tensors: Tensors, name: string): number {
  const [count] = read(tensors, name, 'INT32', 1);
  if (count < 0) throw lie(name, 'a count', String(count));
  return count;
}

/** What an element of a datatype is. A loop and no schema: answers of many classes are read for every request. */
const ELEMENTS = {
  FP32: (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value),
  INT32: (value: unknown): value is number => Number.isSafeInteger(value),
  BYTES: (value: unknown): value is string => typeof value === 'string',
  BOOL: (value: unknown): value is boolean => typeof value === 'boolean',
} as const;
type ElementOf<D extends keyof typeof ELEMENTS> = (typeof ELEMENTS)[D] extends ((value: unknown) => value is infer E) ? E : never;

/** Flat data of an output of that datatype and, when given, of that length. */
function read<D extends keyof typeof ELEMENTS>(tensors: Tensors, name: string, datatype: D, length?: number): ElementOf<D>[] {
  const tensor = tensors.get(name);
  if (tensor?.datatype !== datatype) throw lie(name, datatype, tensor?.datatype ?? 'nothing');
  const { data } = tensor;
  if (!isListOf(datatype, data)) throw lie(name, `elements that are ${datatype}`, 'others');
  if (length !== undefined && data.length !== length) throw lie(name, `${length} elements`, String(data.length));
  return data;
}

function isListOf<D extends keyof typeof ELEMENTS>(datatype: D, data: unknown[] | undefined): data is ElementOf<D>[] {
  return data?.every(ELEMENTS[datatype]) ?? false;
}

/** @param got in our own words: an origin's could repeat the text */
function lie(output: string, expected: string, got: string): TwinrouteError {
  return new TwinrouteError('upstream', `origin answer: ${output}: expected ${expected}, got ${got}`);
}

// Bodies of the Open Inference Protocol: JSON, or JSON followed by raw tensors (the binary tensor data extension).

import { TwinrouteError } from '../../core/errors.ts';
import { OIP_LIMITS, OipRequest, JSON_LENGTH_HEADER, type OipParameters } from '../../contract/oip.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { checkJsonDepth } from '../../contract/json-depth.ts';
import { concatBytes, splitTensors, toBytes, toJsonData, type OutputTensor, type RawTensor } from './tensors.ts';

/** A request as decoded: its JSON, and its tensors ready to be read. */
export interface DecodedRequest {
  readonly request: OipRequest;
  readonly tensors: ReadonlyMap<string, RawTensor>;
}

/** An answer before encoding. */
export interface Answer {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly parameters?: OipParameters;
  readonly outputs: readonly OutputTensor[];
}

/** An answer's body with the headers that tell how to read it. */
export interface EncodedAnswer {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Text of UTF-8 JSON that is not nested too deep.
 * @throws {TwinrouteError} `invalid_request`
 */
export function decodeJsonText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TwinrouteError('invalid_request', 'body: expected UTF-8 JSON, got other bytes', { cause });
  }
  checkJsonDepth(text, OIP_LIMITS.jsonDepth);
  return text;
}

/**
 * Decodes the body of an inference request.
 * @param jsonLength value of the JSON length header; undefined when the whole body is JSON
 * @throws {TwinrouteError} `invalid_request` saying what does not fit
 */
export function decodeRequest(body: Uint8Array, jsonLength: string | undefined): DecodedRequest {
  const length = jsonLength === undefined ? body.length : Number(jsonLength);
  // Length 0 would mean a raw body of one tensor; every model here needs more than one.
  if ((jsonLength !== undefined && !/^[1-9]\d*$/.test(jsonLength)) || length > body.length) {
    throw new TwinrouteError('invalid_request', `${JSON_LENGTH_HEADER}: expected 1 to ${body.length} bytes of JSON, got ${jsonLength}`, {
      param: JSON_LENGTH_HEADER,
    });
  }
  const request = parseJsonWith(OipRequest, decodeJsonText(body.subarray(0, length)), 'body', 'invalid_request');
  return { request, tensors: splitTensors(request, body.subarray(length)) };
}

/**
 * Encodes an answer with the outputs that the request wants, in its order, and in the form that it wants.
 * @throws {TwinrouteError} `invalid_request` for an output that the model does not give
 */
export function encodeAnswer(
  { modelName, modelVersion, parameters, outputs }: Answer,
  { id, parameters: asked, outputs: wanted }: Pick<OipRequest, 'id' | 'parameters' | 'outputs'>,
): EncodedAnswer {
  const binaryByDefault = asked?.['binary_data_output'] === true;
  checkWanted(
    outputs.map(({ name }) => name),
    wanted,
  );
  const byName = new Map(outputs.map((tensor) => [tensor.name, tensor]));
  const chosen =
    wanted === undefined
      ? outputs.map((tensor) => ({ tensor, binary: binaryByDefault }))
      : wanted.flatMap(({ name, parameters: own }) => {
          const tensor = byName.get(name);
          return tensor === undefined ? [] : [{ tensor, binary: wants(own, binaryByDefault) }];
        });
  const raw: Uint8Array[] = [];
  const described = chosen.map(({ tensor, binary }) => {
    const head = { name: tensor.name, datatype: tensor.datatype, shape: tensor.shape };
    if (!binary) return { ...head, data: toJsonData(tensor) };
    const bytes = toBytes(tensor);
    raw.push(bytes);
    return { ...head, parameters: { binary_data_size: bytes.length } };
  });
  const json = JSON.stringify({
    model_name: modelName,
    model_version: modelVersion,
    ...(id !== undefined && { id }),
    ...(parameters !== undefined && { parameters }),
    outputs: described,
  });
  const head = new TextEncoder().encode(json);
  if (raw.length === 0) return { body: head, headers: { 'content-type': 'application/json' } };
  return {
    body: concatBytes([head, ...raw]),
    headers: { 'content-type': 'application/octet-stream', [JSON_LENGTH_HEADER]: String(head.length) },
  };
}

/**
 * Does nothing when the request wants some of these outputs, or all.
 * @throws {TwinrouteError} `invalid_request` for another
 */
export function checkWanted(names: readonly string[], wanted: OipRequest['outputs']): void {
  const other = wanted?.find(({ name }) => !names.includes(name));
  if (other === undefined) return;
  throw new TwinrouteError('invalid_request', `outputs: expected some of ${names.join(', ')}, got "${other.name.slice(0, 64)}"`, {
    param: 'outputs',
  });
}

function wants(parameters: OipParameters | undefined, byDefault: boolean): boolean {
  const binary = parameters?.['binary_data'];
  return typeof binary === 'boolean' ? binary : byDefault;
}

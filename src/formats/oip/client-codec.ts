// The protocol from the other side: requests of raw tensors to a server that has the binary tensor data extension, and its answers in either form.

import { JSON_LENGTH_HEADER, OipResponse, type OipParameters } from '../../contract/oip.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { decodeJsonText, type EncodedAnswer } from './codec.ts';
import { concatBytes, splitTensors, type RawTensor } from './tensors.ts';

/** Datatype of each element type that is sent. */
const DATATYPES = { float32: 'FP32', int32: 'INT32', int64: 'INT64' } as const;

/** A request to infer. */
export interface InferRequest {
  readonly id: string;
  readonly parameters?: OipParameters;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Outputs that are wanted, in bytes. */
  readonly outputs: readonly string[];
}

/**
 * The request's body and headers.
 * @throws {TwinrouteError} `shape` for an element type that is not sent
 */
export function encodeInferRequest({ id, parameters, inputs, outputs }: InferRequest): EncodedAnswer {
  const raw: Uint8Array[] = [];
  const described = Object.entries(inputs).map(([name, { dtype, shape, data }]) => {
    if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'int64')
      throw new TwinrouteError('shape', `encodeInferRequest: expected float32, int32 or int64 for ${name}, got ${dtype}`);
    // Typed arrays are little-endian wherever this runs, as the protocol's bytes are.
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    raw.push(bytes);
    return { name, shape, datatype: DATATYPES[dtype], parameters: { binary_data_size: bytes.length } };
  });
  const wanted = outputs.map((name) => ({ name, parameters: { binary_data: true } }));
  const head = new TextEncoder().encode(JSON.stringify({ id, ...(parameters && { parameters }), inputs: described, outputs: wanted }));
  return {
    body: concatBytes([head, ...raw]),
    headers: { 'content-type': 'application/octet-stream', [JSON_LENGTH_HEADER]: String(head.length) },
  };
}

/** An answer that has not been read yet. */
export interface DecodedResponse {
  readonly response: OipResponse;
  readonly tensors: ReadonlyMap<string, RawTensor>;
}

/**
 * Decodes the body of an answer.
 * @param jsonLength value of the JSON length header; null when the whole body is JSON
 * @throws {TwinrouteError} `invalid_request` saying what does not fit
 */
export function decodeInferResponse(body: Uint8Array, jsonLength: string | null): DecodedResponse {
  const length = jsonLength === null ? body.length : Number(jsonLength);
  if ((jsonLength !== null && !/^[1-9]\d*$/.test(jsonLength)) || length > body.length)
    throw new TwinrouteError('invalid_request', `${JSON_LENGTH_HEADER}: expected 1 to ${body.length} bytes of JSON, got another number`);
  const response = parseJsonWith(OipResponse, decodeJsonText(body.subarray(0, length)), 'answer', 'invalid_request');
  return { response, tensors: splitTensors({ inputs: response.outputs }, body.subarray(length)) };
}

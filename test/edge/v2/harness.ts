// What a client of the protocol sends and reads.

import * as z from 'zod/mini';
import { JSON_LENGTH_HEADER, OipResponse, type OipDatatype } from '../../../src/contract/oip.ts';
import { concatBytes } from '../../../src/formats/oip/tensors.ts';
import type { createHarness } from '../helpers/harness.ts';

export const INFER = '/v2/models/sample/infer';

/** A tensor of a request. */
export interface Sent {
  readonly name: string;
  readonly datatype: OipDatatype;
  readonly shape: readonly number[];
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly data: readonly (string | number)[];
}

export const texts = (name: string, ...data: string[]): Sent => ({ name, datatype: 'BYTES', shape: [data.length], data });

/** Rows of weights over the harness's experts, or over those that are named. */
export const mixes = (rows: readonly (readonly number[])[], experts?: string): Sent => ({
  name: 'mix',
  datatype: 'FP32',
  shape: [rows.length, rows[0].length],
  ...(experts !== undefined && { parameters: { experts } }),
  data: rows.flat(),
});

/** A tensor as bytes. */
export function bytesOf({ datatype, data }: Sent): Uint8Array {
  if (datatype === 'FP32') return new Uint8Array(Float32Array.from(data, Number).buffer);
  return concatBytes(
    data.flatMap((text) => {
      const bytes = new TextEncoder().encode(String(text));
      return [new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes];
    }),
  );
}

/** A body whose tensors of these names stand behind the JSON. */
export function encode(
  request: { readonly inputs: readonly Sent[] } & Readonly<Record<string, unknown>>,
  binary: (name: string) => boolean,
) {
  const behind = request.inputs.filter(({ name }) => binary(name));
  const inputs = request.inputs.map((tensor) => {
    if (!binary(tensor.name)) return tensor;
    const { data: _, parameters, ...rest } = tensor;
    return { ...rest, parameters: { ...parameters, binary_data_size: bytesOf(tensor).length } };
  });
  const json = new TextEncoder().encode(JSON.stringify({ ...request, inputs }));
  return { body: concatBytes([json, ...behind.map(bytesOf)]), headers: { [JSON_LENGTH_HEADER]: String(json.length) } };
}

/** Outputs by name, whether they came as JSON or as bytes. */
export async function decode(response: Response) {
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(new TextDecoder().decode(bytes));
  const length = response.headers.get(JSON_LENGTH_HEADER);
  const json = new TextDecoder().decode(length === null ? bytes : bytes.subarray(0, Number(length)));
  const answer = z.parse(OipResponse, JSON.parse(json));
  let offset = length === null ? bytes.length : Number(length);
  const outputs: Record<string, { shape: readonly number[]; values: readonly unknown[] }> = {};
  for (const { name, shape, datatype, data, parameters } of answer.outputs) {
    const size = parameters?.['binary_data_size'];
    if (data !== undefined) outputs[name] = { shape, values: data };
    else if (typeof size === 'number') {
      outputs[name] = { shape, values: valuesOf(datatype, bytes.slice(offset, offset + size)) };
      offset += size;
    }
  }
  if (offset !== bytes.length) throw new Error(`expected ${offset} bytes, got ${bytes.length}`);
  return { ...answer, outputs };
}

function valuesOf(datatype: OipDatatype, bytes: Uint8Array<ArrayBuffer>): readonly unknown[] {
  if (datatype === 'FP32') return [...new Float32Array(bytes.buffer)];
  if (datatype === 'INT32') return [...new Int32Array(bytes.buffer)];
  if (datatype === 'BOOL') return Array.from(bytes, (byte) => byte === 1);
  const strings: string[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const length = new DataView(bytes.buffer).getUint32(offset, true);
    strings.push(new TextDecoder().decode(bytes.subarray(offset + 4, offset + 4 + length)));
    offset += 4 + length;
  }
  return strings;
}

/** Asks as a client does. */
export function client({ app }: Pick<ReturnType<typeof createHarness>, 'app'>) {
  // As bytes: a string would call itself text/plain, where Triton's client says nothing.
  const send = async (body: string | Uint8Array | ArrayBuffer, headers: Record<string, string> = {}, path = INFER): Promise<Response> => {
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body instanceof Uint8Array ? Uint8Array.from(body) : body;
    return app.request(path, { method: 'POST', body: bytes, headers });
  };
  return {
    send,
    infer: async (request: object, headers: Record<string, string> = {}, path = INFER) =>
      decode(await send(JSON.stringify(request), { 'content-type': 'application/json', ...headers }, path)),
    /** Status, code and message of a refusal. */
    async refused(request: object | string | Uint8Array, headers: Record<string, string> = {}, path = INFER) {
      const body =
        typeof request === 'string' ? request : request instanceof Uint8Array ? Uint8Array.from(request) : JSON.stringify(request);
      const response = await send(body, headers, path);
      const text = await response.text();
      const { error } = z.parse(z.strictObject({ error: z.string() }), JSON.parse(text));
      return { status: response.status, code: response.headers.get('x-error-code'), error, headers: response.headers };
    },
    get: async (path: string) => {
      const response = await app.request(path);
      return { status: response.status, headers: response.headers, body: z.parse(z.unknown(), await response.json()) };
    },
  };
}

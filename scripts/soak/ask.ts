// Requests to an origin and to an edge, as a soak makes them.

import * as z from 'zod/mini';
import { JSON_LENGTH_HEADER, OipResponse } from '../../src/contract/oip.ts';
import type { Row } from './cases.ts';

/** Tensors as JSON or as bytes behind it. */
export type Form = 'json' | 'binary';

/** Longest wait for an answer: far more than any takes. */
const PATIENCE_MS = 60_000;

/** The body of an inference of the rows, with the headers that it needs. */
export function inferBody(
  rows: readonly Omit<Row, 'logits'>[],
  form: Form,
): { readonly body: Buffer<ArrayBuffer>; readonly headers: Record<string, string> } {
  const texts = (name: string, values: readonly string[]) => ({ name, datatype: 'BYTES', shape: [rows.length], data: values });
  const mix = Float32Array.from(rows.flatMap((row) => row.mix));
  const binary = form === 'binary';
  const json = Buffer.from(
    JSON.stringify({
      inputs: [
        texts(
          'text',
          rows.map(({ text }) => text),
        ),
        texts(
          'text_pair',
          rows.map(({ pair }) => pair),
        ),
        texts(
          'head',
          rows.map(({ head }) => head),
        ),
        {
          name: 'mix',
          datatype: 'FP32',
          shape: [rows.length, mix.length / rows.length],
          ...(binary ? { parameters: { binary_data_size: mix.byteLength } } : { data: [...mix] }),
        },
      ],
      outputs: [{ name: 'logits', parameters: { binary_data: binary } }],
    }),
  );
  return binary
    ? {
        body: Buffer.concat([json, Buffer.from(mix.buffer)]),
        headers: { 'content-type': 'application/octet-stream', [JSON_LENGTH_HEADER]: String(json.length) },
      }
    : { body: json, headers: { 'content-type': 'application/json' } };
}

/** Runs rows; their logits, each as wide as the widest head, where the status is 200. */
export async function inferRows(
  url: string,
  model: string,
  rows: readonly Omit<Row, 'logits'>[],
  form: Form,
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly logits: readonly (readonly number[])[] }> {
  const { body, headers } = inferBody(rows, form);
  const response = await fetch(`${url}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: { ...headers, ...more },
    body,
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) return { status: response.status, logits: [] };
  const length = response.headers.get(JSON_LENGTH_HEADER);
  const { outputs } = z.parse(OipResponse, JSON.parse(bytes.subarray(0, length === null ? undefined : Number(length)).toString()));
  const values = length === null ? (outputs[0].data ?? []).map(Number) : floatsOf(bytes.subarray(Number(length)));
  const width = outputs[0].shape[1];
  return { status: 200, logits: rows.map((_, i) => values.slice(i * width, (i + 1) * width)) };
}

/** Asks an edge for a prediction, or for several as lines where `accept` says so. */
export function askEdge(url: string, body: object, accept = 'application/json'): Promise<Response> {
  return fetch(`${url}/v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
}

/** Little-endian floats, from wherever they begin. */
function floatsOf(bytes: Buffer): readonly number[] {
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

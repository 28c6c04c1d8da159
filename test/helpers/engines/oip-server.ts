// A server of the Open Inference Protocol with the binary tensor data extension over one exported model repository, as Triton serves it: the
// graph in onnxruntime, inputs held against config.pbtxt, errors in the protocol's form.

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { JSON_LENGTH_HEADER, OipRequest } from '../../../src/contract/oip.ts';
import * as z from 'zod/mini';
import { serveEngine, type EngineServer, type Received, type Reply } from './listen.ts';

/** Serves the repository that `twinroute export --format triton` wrote. */
export async function serveRepository(folder: string): Promise<EngineServer> {
  const name = (await readdir(folder, { withFileTypes: true })).find((entry) => entry.isDirectory())?.name ?? '';
  const session = await ort.InferenceSession.create(join(folder, name, '1', 'model.onnx'));
  const config = await readFile(join(folder, name, 'config.pbtxt'), 'utf8');
  const inputs = [...config.matchAll(/^input \{ name: "(\w+)" data_type: TYPE_(\w+)/gm)].map(([, input, type]) => ({ name: input, type }));
  const server = await serveEngine((request) => answer(request, name, session, inputs));
  return {
    ...server,
    async close() {
      await server.close();
      await session.release();
    },
  };
}

async function answer(
  request: Received,
  name: string,
  session: ort.InferenceSession,
  inputs: readonly { readonly name: string; readonly type: string }[],
): Promise<Reply> {
  const { method, path } = request;
  if (method === 'GET') return path === '/v2/health/ready' || path === `/v2/models/${name}/ready` ? { body: '' } : refuse(404, 'not found');
  if (path !== `/v2/models/${name}/infer`) return refuse(404, `Request for unknown model: '${path}' is not found`);
  const length = Number(request.headers[JSON_LENGTH_HEADER] ?? request.body.length);
  const { id, inputs: given, outputs = [] } = z.parse(OipRequest, JSON.parse(request.body.subarray(0, length).toString()));
  if (given.length !== inputs.length)
    return refuse(400, `expected ${inputs.length} inputs but got ${given.length} inputs for model '${name}'`);
  const feeds: Record<string, ort.Tensor> = {};
  let offset = length;
  for (const { name: input, shape, datatype, parameters } of given) {
    if (inputs.find((known) => known.name === input)?.type !== datatype) return refuse(400, `unexpected datatype for '${input}'`);
    const size = Number(parameters?.['binary_data_size']);
    const bytes = Uint8Array.from(request.body.subarray(offset, offset + size));
    offset += size;
    feeds[input] =
      datatype === 'INT64'
        ? new ort.Tensor('int64', new BigInt64Array(bytes.buffer), shape)
        : new ort.Tensor('float32', new Float32Array(bytes.buffer), shape);
  }
  const results = await session.run(
    feeds,
    outputs.map((output) => output.name),
  );
  const raw: Uint8Array[] = [];
  const described = outputs.map((output) => {
    const { data, dims: shape } = results[output.name];
    if (!(data instanceof Float32Array)) throw new Error(`expected floats of ${output.name}`);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    raw.push(bytes);
    return { name: output.name, datatype: 'FP32', shape, parameters: { binary_data_size: bytes.length } };
  });
  const head = Buffer.from(JSON.stringify({ id, model_name: name, model_version: '1', outputs: described }));
  return {
    headers: { 'content-type': 'application/octet-stream', [JSON_LENGTH_HEADER]: String(head.length) },
    body: Buffer.concat([head, ...raw]),
  };
}

function refuse(status: number, error: string): Reply {
  return { status, json: { error } };
}

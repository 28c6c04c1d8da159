// A program: an origin that computes nothing, so that what stands before it is measured. It answers the Open Inference Protocol (with a signed
// receipt where the request is signed) and chat completions in OpenAI's form, each with a fixed answer of about the same size.
//
// Told by the variable MOCK_ORIGIN (JSON of `MockOrigin`); its first line on stdout is its address.

import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import { REQUEST_ID_HEADER } from '../../../src/contract/oip.ts';
import { parseJsonWith } from '../../../src/contract/parse.ts';
import { SigningKeySet } from '../../../src/contract/signing-keys.ts';
import type { KeyRing } from '../../../src/formats/signing/key-ring.ts';
import { signReceipt } from '../../../src/formats/signing/receipt.ts';

/** What the program is told. */
export const MockOrigin = z.object({
  /** Of the origin; HMAC only, which Node computes without leaving the thread. */
  keys: SigningKeySet,
  /** Classes by expert. */
  classes: z.record(z.string(), z.number()),
});
export type MockOrigin = z.infer<typeof MockOrigin>;

/** Tokens of any text. */
const TOKENS = 32;

const Question = z.looseObject({
  id: z.optional(z.string()),
  inputs: z.array(
    z.looseObject({
      name: z.string(),
      parameters: z.optional(z.looseObject({ experts: z.optional(z.string()) })),
      data: z.array(z.union([z.string(), z.number()])),
    }),
  ),
});

const told = parseJsonWith(MockOrigin, process.env['MOCK_ORIGIN'] ?? '', 'MOCK_ORIGIN', 'config');
const keys = keyRing();
const widest = Math.max(...Object.values(told.classes));
const completion = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'mock',
  choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(450) }, finish_reason: 'stop' }],
  usage: { prompt_tokens: TOKENS, completion_tokens: 1, total_tokens: TOKENS + 1 },
});

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`);
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const url = request.url ?? '';
  const json = { 'content-type': 'application/json' };
  if (!url.endsWith('/infer')) {
    respond(response, json, completion);
    return;
  }
  const question = parseJsonWith(Question, Buffer.concat(chunks).toString(), 'mock origin', 'invalid_request');
  const version = /versions\/([0-9a-f]+)\//.exec(url)?.[1] ?? '';
  const body = Buffer.from(JSON.stringify(oipAnswer(question, version)));
  if (request.headers['signature'] === undefined) {
    respond(response, json, body);
    return;
  }
  const signed = { method: 'POST', url: `http://${request.headers.host ?? ''}${url}`, headers: headersOf(request) };
  const id = String(request.headers[REQUEST_ID_HEADER]);
  const receipt = { id, config: version, rows: 1, tokens: TOKENS, mix: mixOf(question) };
  const receiptHeaders = await signReceipt({ keys, now: Date.now }, signed, 200, body, receipt);
  respond(response, { ...json, ...receiptHeaders }, body);
}

function respond(response: ServerResponse, headers: Record<string, string>, body: Buffer | string): void {
  response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
}

function oipAnswer({ id, inputs }: z.infer<typeof Question>, version: string): object {
  const head = String(inputs.find(({ name }) => name === 'head')?.data[0]);
  return {
    model_name: 'mock',
    model_version: version,
    id,
    outputs: [
      { name: 'logits', datatype: 'FP32', shape: [1, widest], data: Array.from({ length: widest }, (_, i) => i / 8) },
      { name: 'classes', datatype: 'INT32', shape: [1], data: [told.classes[head]] },
      { name: 'label', datatype: 'BYTES', shape: [1], data: ['mock'] },
      { name: 'head', datatype: 'BYTES', shape: [1], data: [head] },
      { name: 'tokens', datatype: 'INT32', shape: [1], data: [TOKENS] },
      { name: 'truncated', datatype: 'BOOL', shape: [1], data: [false] },
    ],
  };
}

function mixOf({ inputs }: z.infer<typeof Question>): Record<string, number> {
  const tensor = inputs.find(({ name }) => name === 'mix');
  const experts = tensor?.parameters?.experts?.split(',') ?? [];
  return Object.fromEntries(experts.map((expert, i) => [expert, Number(tensor?.data[i])]));
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function keyRing(): KeyRing {
  const [key] = told.keys.keys;
  if (key?.kty !== 'oct') throw new Error('mock-origin: expected a shared secret, got another key');
  const secret = Buffer.from(key.k, 'base64url');
  const sign = async (data: Uint8Array): Promise<Uint8Array> => createHmac('sha256', secret).update(data).digest();
  return { signer: { algorithm: 'hmac-sha256', keyid: key.kid, sign }, verifier: () => undefined };
}

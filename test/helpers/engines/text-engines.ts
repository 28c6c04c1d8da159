// What vLLM, LoRAX and llama.cpp's server answer, as far as the edge asks them, written by their documentation and sources (reference: serving.md, sections
// 1 and 2). No model is behind them: every text gets the same completion, as many tokens as the fake says.

import * as z from 'zod/mini';
import type { Received, Reply } from './listen.ts';

const json = (body: Buffer): unknown => JSON.parse(body.toString());

/** vLLM's OpenAI server: unknown models are 404, prompts beyond the context 400. */
export function vllmReply(options: {
  readonly models: readonly string[];
  readonly text?: string;
  readonly probs?: readonly number[];
  readonly limitChars: number;
  /** Names itself so, whatever was asked. */
  readonly as?: string;
}): (request: Received) => Reply {
  const error = (code: number, message: string, type: string): Reply => ({
    status: code,
    json: { error: { message, type, param: null, code } },
  });
  return ({ method, path, body }) => {
    if (method === 'GET' && path === '/health') return { body: '' };
    const known = options.probs === undefined ? '/v1/completions' : '/classify';
    if (method !== 'POST' || path !== known) return { status: 404, json: { detail: 'Not Found' } };
    const asked = z.parse(z.object({ model: z.string(), prompt: z.optional(z.string()), input: z.optional(z.string()) }), json(body));
    if (!options.models.includes(asked.model)) return error(404, `The model \`${asked.model}\` does not exist.`, 'NotFoundError');
    const prompt = asked.prompt ?? asked.input ?? '';
    if (prompt.length > options.limitChars) return error(400, "This model's maximum context length is 200 tokens.", 'BadRequestError');
    const head = { id: 'x', created: 1, model: options.as ?? asked.model };
    return options.probs === undefined
      ? {
          json: {
            ...head,
            object: 'text_completion',
            choices: [{ index: 0, text: options.text, logprobs: null, finish_reason: 'stop', stop_reason: null }],
            usage: { prompt_tokens: 9, total_tokens: 12, completion_tokens: 3, prompt_tokens_details: null },
          },
        }
      : {
          json: {
            ...head,
            object: 'list',
            data: [{ index: 0, label: 'LABEL_1', probs: options.probs, num_classes: options.probs.length }],
            usage: { prompt_tokens: 9, total_tokens: 9, completion_tokens: 0, prompt_tokens_details: null },
          },
        };
  };
}

/** LoRAX's router: a request of two ways to name adapters is 422. */
export function loraxReply(options: { readonly text: string }): (request: Received) => Reply {
  return ({ method, path, body }) => {
    if (method === 'GET' && path === '/health') return { body: '' };
    if (method !== 'POST' || path !== '/generate') return { status: 404, body: '' };
    const { parameters } = z.parse(z.object({ inputs: z.string(), parameters: z.record(z.string(), z.unknown()) }), json(body));
    if ('adapter_id' in parameters && 'merged_adapters' in parameters)
      return { status: 422, json: { error: 'Input validation error', error_type: 'validation' } };
    const details = { finish_reason: 'eos_token', prompt_tokens: 5, generated_tokens: 2, seed: null, prefill: [], tokens: [] };
    return {
      headers: { 'x-total-tokens': '7' },
      json: { generated_text: options.text, ...(parameters['details'] === true && { details }) },
    };
  };
}

/** llama.cpp's server: ids of adapters that it lacks are taken without a word. */
export function llamaCppReply(options: { readonly text: string; readonly adapters: number }): (request: Received) => Reply {
  return ({ method, path, body }) => {
    if (method === 'GET' && path === '/health') return { json: { status: 'ok' } };
    if (method === 'GET' && path === '/lora-adapters')
      return { json: Array.from({ length: options.adapters }, (_, id) => ({ id, path: `adapter-${id}.gguf`, scale: 1 })) };
    if (method !== 'POST' || path !== '/completion')
      return { status: 404, json: { error: { code: 404, message: 'File Not Found', type: 'not_found_error' } } };
    const { lora } = z.parse(z.object({ prompt: z.string(), lora: z.array(z.object({ id: z.number(), scale: z.number() })) }), json(body));
    return {
      json: {
        index: 0,
        content: options.text,
        stop: true,
        stop_type: 'eos',
        stopping_word: '',
        model: 'model',
        tokens_predicted: 2,
        tokens_evaluated: 4,
        tokens_cached: 5,
        truncated: false,
        generation_settings: { lora },
      },
    };
  };
}

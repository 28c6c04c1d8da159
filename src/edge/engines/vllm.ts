// vLLM: one LoRA adapter a request, chosen by the OpenAI field `model`. Mixes are not built (vllm-project/vllm#51940 asks for them), so the best expert
// answers alone and the answer says so.
// Source: vLLM's OpenAI-compatible server; `/classify` answers `probs` after the activation of the base model's config.

import * as z from 'zod/mini';
import type { VllmEndpoint } from '../../contract/endpoint.ts';
import { Count, Fraction } from '../../contract/names.ts';
import { parseWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { OriginAnswer } from '../oip.ts';
import { urlAt, type Asked, type Engine, type EngineCall, type Wish } from './engine.ts';
import {
  adapterOf,
  cannotGenerate,
  cannotWithOneAdapter,
  expertOf,
  GENERATING_VERDICTS,
  jsonHeaders,
  mergeOf,
  promptOf,
  withOneAdapter,
} from './generating.ts';
import { parseBody } from './parse-body.ts';

/** How far probabilities may be from a sum of 1: servers run in half precision. */
const SUM_TOLERANCE = 0.01;
/** The smallest probability that is told apart from none: logits stay finite. */
const LEAST = 1e-38;

const Usage = z.object({ prompt_tokens: Count, completion_tokens: z.optional(z.nullable(Count)) });

const Completion = z.object({
  model: z.string(),
  choices: z.array(z.object({ text: z.string(), finish_reason: z.nullable(z.string()) })).check(z.length(1)),
  usage: Usage,
});

const Classification = z.object({
  model: z.string(),
  data: z.array(z.object({ probs: z.array(Fraction).check(z.minLength(2), z.maxLength(100_000)) })).check(z.length(1)),
  usage: Usage,
});

/** Such a server. */
export function vllm(endpoint: VllmEndpoint): Engine {
  return {
    mostExperts: 1,
    routes: false,
    signs: false,
    cannot: (wish) => cannotGenerate(endpoint, wish) ?? cannotWithOneAdapter(wish) ?? cannotAsk(endpoint, wish),
    call: async (asked) => (endpoint.task === 'classify' ? classify : generate)(endpoint, asked),
    verdicts: GENERATING_VERDICTS,
    readyUrl: urlAt(endpoint, '/health'),
  };
}

function cannotAsk({ task, base_model: base }: VllmEndpoint, { bundle, row, merge }: Wish): string | undefined {
  const [best] = merge?.mix ?? [];
  if (task === 'generate') return best === undefined && base === undefined ? 'run without an adapter: it names no base_model' : undefined;
  if (best === undefined) return 'classify without an adapter';
  if (row.textPair !== undefined) return 'classify a text pair';
  return expertOf(bundle, best.expert).problem === 'regression' ? 'answer a regression' : undefined;
}

function modelOf({ adapters, base_model: base }: VllmEndpoint, mix: OriginAnswer['mix']): string {
  const model = adapterOf(adapters, mix) ?? base;
  if (model !== undefined) return model;
  throw new TwinrouteError('internal', 'vllm: expected an adapter or a base model, got neither');
}

function generate(endpoint: VllmEndpoint, asked: Asked): EngineCall {
  const merge = mergeOf(asked.row);
  const model = modelOf(endpoint, merge.mix);
  return {
    url: urlAt(endpoint, '/v1/completions'),
    headers: jsonHeaders(asked),
    body: JSON.stringify({ model, prompt: promptOf(endpoint, asked.row), max_tokens: endpoint.max_tokens, temperature: 0, stream: false }),
    read({ bytes }) {
      const answer = parseWith(Completion, parseBody(bytes), 'engine answer', 'upstream');
      expectModel(answer.model, model);
      const [{ text, finish_reason: finish }] = answer.choices;
      return {
        answer: {
          ...withOneAdapter(merge),
          logits: [],
          output: { text, finish: finish === 'length' ? 'length' : 'stop' },
          tokens: answer.usage.prompt_tokens + (answer.usage.completion_tokens ?? 0),
          truncated: false,
        },
      };
    },
  };
}

function classify(endpoint: VllmEndpoint, asked: Asked): EngineCall {
  const merge = mergeOf(asked.row);
  const model = modelOf(endpoint, merge.mix);
  const { labels } = expertOf(asked.bundle, merge.head);
  return {
    url: urlAt(endpoint, '/classify'),
    headers: jsonHeaders(asked),
    body: JSON.stringify({ model, input: promptOf(endpoint, asked.row) }),
    read({ bytes }) {
      const answer = parseWith(Classification, parseBody(bytes), 'engine answer', 'upstream');
      expectModel(answer.model, model);
      const [{ probs }] = answer.data;
      const sum = probs.reduce((all, probability) => all + probability, 0);
      if (probs.length !== labels.length || Math.abs(sum - 1) > SUM_TOLERANCE)
        throw new TwinrouteError('upstream', `engine answer: expected ${labels.length} probabilities whose sum is 1, got others`);
      return {
        answer: {
          ...withOneAdapter(merge),
          // The softmax that scores are made by gives the probabilities again.
          logits: probs.map((probability) => Math.log(Math.max(probability, LEAST))),
          tokens: answer.usage.prompt_tokens,
          truncated: false,
        },
      };
    },
  };
}

/** The server names the adapter that it ran. @throws {TwinrouteError} `upstream` when that is another */
function expectModel(got: string, wanted: string): void {
  if (got !== wanted) throw new TwinrouteError('upstream', `engine answer: expected one by ${wanted}, got one by another model`);
}

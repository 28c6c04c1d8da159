// llama.cpp's server: a scale for each of its adapters with every request, so that a whole mix is merged as it is. Requests of unlike scales are not
// batched together there. It takes ids that it does not have without a word, so whether all adapters are there is asked before it counts as ready.
// Source: ggml-org/llama.cpp, tools/server/README.md; PR 10994.

import * as z from 'zod/mini';
import type { LlamaCppEndpoint } from '../../contract/endpoint.ts';
import { Count } from '../../contract/names.ts';
import { parseWith } from '../../contract/parse.ts';
import { mixVector } from '../../core/mix.ts';
import { urlAt, type Asked, type Engine, type EngineCall } from './engine.ts';
import { cannotGenerate, GENERATING_VERDICTS, jsonHeaders, mergeOf, promptOf } from './generating.ts';
import { parseBody } from './parse-body.ts';

const Completed = z.object({
  content: z.string(),
  stop_type: z.string(),
  tokens_evaluated: Count,
  tokens_predicted: Count,
  truncated: z.boolean(),
});

/** Answer of `GET /lora-adapters`. */
const Adapters = z.array(z.object({ id: Count }));

/** Such a server. */
export function llamaCpp(endpoint: LlamaCppEndpoint): Engine {
  return {
    mostExperts: Infinity,
    routes: false,
    signs: false,
    cannot: (wish) => cannotGenerate(endpoint, wish),
    call: async (asked) => call(endpoint, asked),
    verdicts: GENERATING_VERDICTS,
    readyUrl: urlAt(endpoint, '/lora-adapters'),
    isReady(body) {
      const { data } = z.safeParse(Adapters, body);
      const ids = new Set(data?.map(({ id }) => id));
      return endpoint.experts.every((_, id) => ids.has(id));
    },
  };
}

function call(endpoint: LlamaCppEndpoint, asked: Asked): EngineCall {
  const { mix, head } = mergeOf(asked.row);
  const scales = mixVector(mix, endpoint.experts);
  return {
    url: urlAt(endpoint, '/completion'),
    headers: jsonHeaders(asked),
    body: JSON.stringify({
      prompt: promptOf(endpoint, asked.row),
      // All of them, as a server may have been started with scales of its own.
      lora: Array.from(scales, (scale, id) => ({ id, scale })),
      n_predict: endpoint.max_tokens,
      temperature: 0,
      // Answers do not depend on what was asked before.
      cache_prompt: false,
      stream: false,
    }),
    read({ bytes }) {
      const answer = parseWith(Completed, parseBody(bytes), 'engine answer', 'upstream');
      return {
        answer: {
          mix,
          head,
          scores: [],
          logits: [],
          output: { text: answer.content, finish: answer.stop_type === 'limit' ? 'length' : 'stop' },
          tokens: answer.tokens_evaluated + answer.tokens_predicted,
          truncated: answer.truncated,
        },
      };
    },
  };
}

// LoRAX: one adapter a request. `merged_adapters` is never used: its linear merge sums A's and B's apart, so that mixes get cross terms and are not the
// pack's, and every set of weights would be an adapter of its own there. `/classify` takes no adapter at all, so LoRAX gives text.
// Source: predibase/lorax, router/src/{lib,server}.rs as of May 2026.

import * as z from 'zod/mini';
import type { LoraxEndpoint } from '../../contract/endpoint.ts';
import { Count } from '../../contract/names.ts';
import { parseWith } from '../../contract/parse.ts';
import { urlAt, type Asked, type Engine, type EngineCall } from './engine.ts';
import {
  adapterOf,
  cannotGenerate,
  cannotWithOneAdapter,
  GENERATING_VERDICTS,
  jsonHeaders,
  mergeOf,
  promptOf,
  withOneAdapter,
} from './generating.ts';
import { parseBody } from './parse-body.ts';

const Generated = z.object({
  generated_text: z.string(),
  details: z.object({ finish_reason: z.string(), prompt_tokens: Count, generated_tokens: Count }),
});

/** Such a server. */
export function lorax(endpoint: LoraxEndpoint): Engine {
  return {
    mostExperts: 1,
    routes: false,
    signs: false,
    cannot: (wish) => cannotGenerate(endpoint, wish) ?? cannotWithOneAdapter(wish),
    call: async (asked) => call(endpoint, asked),
    verdicts: GENERATING_VERDICTS,
    readyUrl: urlAt(endpoint, '/health'),
  };
}

function call(endpoint: LoraxEndpoint, asked: Asked): EngineCall {
  const merge = mergeOf(asked.row);
  const adapter = adapterOf(endpoint.adapters, merge.mix);
  return {
    url: urlAt(endpoint, '/generate'),
    headers: jsonHeaders(asked),
    body: JSON.stringify({
      inputs: promptOf(endpoint, asked.row),
      parameters: {
        ...(adapter !== undefined && { adapter_id: adapter, adapter_source: endpoint.adapter_source }),
        max_new_tokens: endpoint.max_tokens,
        do_sample: false,
        return_full_text: false,
        details: true,
      },
    }),
    read({ bytes }) {
      const { generated_text: text, details } = parseWith(Generated, parseBody(bytes), 'engine answer', 'upstream');
      return {
        answer: {
          ...withOneAdapter(merge),
          logits: [],
          output: { text, finish: details.finish_reason === 'length' ? 'length' : 'stop' },
          tokens: details.prompt_tokens + details.generated_tokens,
          truncated: false,
        },
      };
    },
  };
}

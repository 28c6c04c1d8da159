// The edge's `ENDPOINTS` variable (JSON): where answers come from, and which engine runs there. Other people's engines do not tell which config
// they hold, nor which experts, so their endpoints say it here.

import * as z from 'zod/mini';
import { ConfigId, Name } from './names.ts';

/** Limits, with reasons. */
const ENDPOINT_LIMITS = {
  /** Health is kept for each of them in every isolate. */
  endpoints: 1000,
  /** A prompt around a text; longer ones belong into the adapter. UTF-16 units. */
  promptChars: 4000,
  /** Tokens of an answer that is text: labels are short. */
  outputTokens: 1024,
} as const;

const place = {
  id: Name,
  url: z.url({ protocol: /^https?$/ }),
  /** Where it is, as Cloudflare names continents (`EU`) and data centres (`FRA`): a hint until latencies are known. */
  region: z.optional(z.string().check(z.regex(/^[A-Z]{2,3}$/, 'expected a continent or a data centre, such as EU or FRA'))),
  /** Experts it holds; `*` for all of its configs' experts. */
  experts: z.union([z.literal('*'), z.array(Name)]),
} as const;

/** Of another engine: the one config that it holds. */
const foreign = {
  ...place,
  configs: z.array(ConfigId).check(z.length(1, 'expected exactly one config: the engine cannot tell which it holds')),
} as const;

/** How texts become prompts and completions answers, where an engine generates. */
const generating = {
  /** The prompt; `{text}` and `{text_pair}` stand for the input's. A text pair is refused where there is no `{text_pair}`. */
  prompt: z._default(
    z.string().check(z.maxLength(ENDPOINT_LIMITS.promptChars), z.regex(/\{text\}/, 'expected a prompt with {text} in it')),
    '{text}',
  ),
  /** Longest completion. */
  max_tokens: z._default(z.int().check(z.minimum(1), z.maximum(ENDPOINT_LIMITS.outputTokens)), 16),
} as const;

/** An engine's own name of something: a model, an adapter, a path. */
const EngineName = z.string().check(z.minLength(1), z.maxLength(256));

/** Our own origin; the default. */
const TwinrouteEndpoint = z.strictObject({
  ...place,
  engine: z.optional(z.literal('twinroute')),
  /** Configs it serves; absent means any. */
  configs: z.optional(z.array(ConfigId)),
});

/** A server of the Open Inference Protocol with what `export --format triton` wrote: Triton, KServe. */
const TritonEndpoint = z.strictObject({
  ...foreign,
  engine: z.literal('triton'),
  /** Name of the model there; the pack's when absent. */
  model: z.optional(EngineName),
});
export type TritonEndpoint = z.infer<typeof TritonEndpoint>;

/** vLLM: one adapter a request. */
const VllmEndpoint = z.strictObject({
  ...foreign,
  ...generating,
  engine: z.literal('vllm'),
  /** `generate` asks for text, `classify` for the probabilities of a classification adapter's own head. */
  task: z._default(z.enum(['generate', 'classify']), 'generate'),
  /** Names of adapters by expert, where they differ. */
  adapters: z._default(z.record(Name, EngineName), {}),
  /** Name of the model without adapters, asked where a mix is empty; such requests go elsewhere when absent. */
  base_model: z.optional(EngineName),
});
export type VllmEndpoint = z.infer<typeof VllmEndpoint>;

/** LoRAX: one adapter a request. */
const LoraxEndpoint = z.strictObject({
  ...foreign,
  ...generating,
  engine: z.literal('lorax'),
  /** Ids of adapters by expert, where they differ: a path below `local`, a name on a hub. */
  adapters: z._default(z.record(Name, EngineName), {}),
  /** Where LoRAX finds them. */
  adapter_source: z._default(z.enum(['hub', 'local', 's3', 'pbase']), 'local'),
});
export type LoraxEndpoint = z.infer<typeof LoraxEndpoint>;

/** llama.cpp's server: any scales of all of its adapters. */
const LlamaCppEndpoint = z
  .strictObject({
    ...foreign,
    ...generating,
    engine: z.literal('llama_cpp'),
    experts: z.array(Name).check(z.minLength(1, 'expected experts in the order of the server’s --lora options, got none')),
  })
  .check(z.refine(({ experts }) => new Set(experts).size === experts.length, { error: 'expected each expert once', path: ['experts'] }));
export type LlamaCppEndpoint = z.infer<typeof LlamaCppEndpoint>;

/** One address and what runs there. */
export const Endpoint = z.discriminatedUnion('engine', [TwinrouteEndpoint, TritonEndpoint, VllmEndpoint, LoraxEndpoint, LlamaCppEndpoint]);
export type Endpoint = z.infer<typeof Endpoint>;

/** The `ENDPOINTS` variable. Ids are distinct: health is kept by them. */
export const Endpoints = z.array(Endpoint).check(
  z.maxLength(ENDPOINT_LIMITS.endpoints),
  z.refine((endpoints) => new Set(endpoints.map(({ id }) => id)).size === endpoints.length, 'expected distinct ids'),
);

/** The secret `ENDPOINT_TOKENS` (JSON): what an endpoint wants as `authorization: Bearer …`, by its id. */
export const EndpointTokens = z.record(Name, z.string().check(z.regex(/^[\x21-\x7e]{1,4096}$/, 'expected visible ASCII characters')));
export type EndpointTokens = z.infer<typeof EndpointTokens>;

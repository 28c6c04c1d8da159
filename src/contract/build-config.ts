// The YAML of `twinroute build`: mergekit's vocabulary with twinroute's additions.

import * as z from 'zod/mini';
import { Count, Fraction, Name } from './names.ts';
import { Policy } from './policy.ts';

/** A method's parameters by name; its table says which there are. */
const MethodParameters = z.record(z.string(), z.union([z.number(), z.boolean()]));

/** One model to merge. */
export const ConfigModel = z.strictObject({
  /** Defaults to the folder's name. */
  name: z.optional(Name),
  /** A Hugging Face checkpoint or a PEFT adapter folder, relative to the working directory. */
  model: z.string().check(z.minLength(1)),
  /** JSONL of `{text, text_pair?, label?}` for the router. */
  examples: z.optional(z.string()),
  /** What the shared model's method takes for each expert, e.g. `weight`. */
  parameters: z.optional(MethodParameters),
});
export type ConfigModel = z.infer<typeof ConfigModel>;

/** How ranks are chosen: one of these, or rank 16. */
export const RankParameters = z.object({
  /** Rank of every exclusive module. */
  rank: z.optional(z.int().check(z.minimum(1), z.maximum(65_536))),
  /** Rank by kept energy: the smallest that keeps this share of the squared Frobenius norm. */
  energy: z.optional(Fraction),
  /** Rank by share of min(m, n), at least 1. */
  density: z.optional(Fraction),
  /** Ranks shared out among tensors and experts by kept energy per byte: all factors together, or the rank they have on average. */
  budget: z.optional(
    z.union([z.strictObject({ bytes: Count }), z.strictObject({ average_rank: z.number().check(z.minimum(1), z.maximum(65_536)) })]),
  ),
});
export type RankParameters = z.infer<typeof RankParameters>;

/** How gates are built and learnt; only for `wemoe` and `e_wemoe`. */
const GateParameters = z.strictObject({
  /** Linear layers of a gate. */
  layers: z._default(z.union([z.literal(1), z.literal(2)]), 1),
  /** Steps of Adam at most; learning stops earlier when held-back texts gain nothing. */
  steps: z._default(z.int().check(z.minimum(1), z.maximum(100_000)), 60),
  /** Learning rate of Adam. */
  rate: z._default(z.number().check(z.gt(0), z.maximum(1)), 2e-3),
  /**
   * Share of the entropy of a task's mean answer that is taken off the loss: above 0 a task cannot become certain by answering one class always.
   */
  diversity: z._default(z.number().check(z.minimum(0), z.maximum(10)), 1),
  /** Texts of each task in a step. */
  batch: z._default(z.int().check(z.minimum(1), z.maximum(1024)), 8),
});
export type GateParameters = z.infer<typeof GateParameters>;

/** Parameters of a pack; which of them its method takes, read-config.ts says. */
export const TwinParameters = z.strictObject({
  /**
   * How the shared model is made: the name of a static method of the registry, or `{ method, … }` with its parameters, where those of an
   * expert hold for all.
   */
  shared: z._default(
    z.union([z.string(), z.catchall(z.object({ method: z.string() }), z.union([z.number(), z.boolean()]))]),
    'task_arithmetic',
  ),
  /** λ of the shared model; the same as `lambda` among its parameters. */
  lambda: z.optional(z.number().check(z.minimum(-10), z.maximum(10))),
  /**
   * What exclusive modules are differences to: the shared model, as the paper has it, or the base, the shared part fading as a mix fills.
   */
  about: z._default(z.enum(['shared', 'base']), 'shared'),
  ...RankParameters.shape,
  /**
   * What restores the length of an expert of an EMR pack: one number, from all entries (`sums`, the paper) or from the means of the tensors
   * (`means`, the published code); or a number for each tensor or for each row.
   */
  scale: z._default(z.enum(['sums', 'means', 'per_tensor', 'per_row']), 'per_row'),
  gate: z._default(GateParameters, () => z.parse(GateParameters, {})),
  quantize: z._default(z.enum(['none', 'fp16', 'int8', 'int4']), 'int8'),
  router: z._default(z.enum(['edge', 'origin', 'auto']), 'edge'),
  /** Overrides of the routing policy. */
  policy: z.optional(z.partial(Policy)),
  max_tokens: z.optional(z.int().check(z.minimum(2), z.maximum(1 << 20))),
  seed: z._default(Count, 0),
});
export type TwinParameters = z.infer<typeof TwinParameters>;

/** A build config. */
export const BuildConfig = z.strictObject({
  /** The pack's name; defaults to the config file's name without its ending. */
  name: z.optional(Name),
  /**
   * `emr` has no shared model, ranks or factors: of the parameters it takes `scale`, `router`, `policy`, `max_tokens` and `seed`. `scale` is its
   * alone, `about` is `twin`'s, `gate` is that of `wemoe` and `e_wemoe`.
   */
  merge_method: z.enum(['twin', 'emr', 'wemoe', 'e_wemoe']),
  base_model: z.string().check(z.minLength(1)),
  models: z.array(ConfigModel).check(z.minLength(1), z.maxLength(10_000)),
  parameters: z._default(TwinParameters, () => z.parse(TwinParameters, {})),
  /** Stored type of whole tensors: the shared model, the unified vector. */
  dtype: z._default(z.enum(['float16', 'bfloat16', 'float32']), 'float16'),
});
export type BuildConfig = z.infer<typeof BuildConfig>;

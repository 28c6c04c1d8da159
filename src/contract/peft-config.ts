// adapter_config.json of PEFT LoRA adapters. PEFT has many switches that change what an adapter computes; twinroute reads plain LoRA and
// refuses the rest by name, because an adapter that is applied in part answers wrongly without a sign of it.

import * as z from 'zod/mini';
import { TwinrouteError } from '../core/errors.ts';
import { parseWith } from './parse.ts';

const Rank = z.int().check(z.minimum(1), z.maximum(65_536));
const Alpha = z.number().check(z.positive(), z.maximum(1e6));
/** More patterns than modules are of no use; bounds the matching. */
const MAX_PATTERNS = 1000;

/** The part of adapter_config.json that plain LoRA needs. */
export const PeftConfig = z.object({
  r: Rank,
  lora_alpha: Alpha,
  base_model_name_or_path: z.nullish(z.string()),
  use_rslora: z._default(z.boolean(), false),
  rank_pattern: z.nullish(z.record(z.string(), Rank)),
  alpha_pattern: z.nullish(z.record(z.string(), Alpha)),
});
export type PeftConfig = z.infer<typeof PeftConfig>;

/** Switches that change what an adapter computes and have to be off: absent, null, false or empty. */
const MUST_BE_OFF = [
  'use_dora',
  'lora_bias',
  'layer_replication',
  'fan_in_fan_out',
  'trainable_token_indices',
  'target_parameters',
  'alora_invocation_tokens',
  'use_qalora',
  'use_bdlora',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
  'velora_config',
];

/** Ways to start that leave the base's weights alone; the others (PiSSA, OLoRA, CorDA, LoftQ, …) replace the base by a residual. */
const PLAIN_STARTS: readonly unknown[] = [undefined, null, true, false, 'gaussian', 'orthogonal', 'eva'];
/** Modules that may be saved whole: heads. */
const HEADS: readonly unknown[] = ['classifier', 'score'];

/**
 * The LoRA of an adapter_config.json.
 * @throws {TwinrouteError} `unsupported` naming the first switch that twinroute does not apply; `format` when the rest does not fit
 */
export function parsePeftConfig(value: unknown, title: string): PeftConfig {
  const fields = parseWith(z.looseObject({}), value, title, 'format');
  const refuse = (field: string, expected: string): never => {
    throw new TwinrouteError(
      'unsupported',
      `${title}: expected ${field} ${expected}, got ${JSON.stringify(fields[field])?.slice(0, 100) ?? 'nothing'}`,
      { param: field },
    );
  };
  if (fields['peft_type'] !== 'LORA') refuse('peft_type', '"LORA"');
  for (const field of MUST_BE_OFF) if (!isOff(fields[field])) refuse(field, 'to be off');
  if ((fields['bias'] ?? 'none') !== 'none') refuse('bias', '"none"');
  if (!PLAIN_STARTS.includes(fields['init_lora_weights']))
    refuse('init_lora_weights', 'that leaves the base as it is; convert the adapter to plain LoRA when saving it');
  const saved = fields['modules_to_save'] ?? [];
  if (!Array.isArray(saved) || !saved.every((module) => HEADS.includes(module)))
    refuse('modules_to_save', 'of nothing but "classifier" and "score"');
  const config = parseWith(PeftConfig, value, title, 'format');
  for (const field of ['rank_pattern', 'alpha_pattern'] as const) {
    const patterns = Object.keys(config[field] ?? {});
    if (patterns.length > MAX_PATTERNS)
      throw new TwinrouteError('format', `${title}: expected at most ${MAX_PATTERNS} entries of ${field}, got ${patterns.length}`, {
        param: field,
      });
    for (const pattern of patterns) patternRegExp(pattern, `${title}: ${field}`);
  }
  return config;
}

function isOff(value: unknown): boolean {
  return value === undefined || value === null || value === false || (typeof value === 'object' && Object.keys(value).length === 0);
}

/**
 * Rank and scaling of the adapter on a module: scaling is alpha / r, or alpha / √r with rsLoRA (Kalajdzievski 2023, arXiv:2312.03732).
 * @param module the module's full name in the adapted model, e.g. `bert.encoder.layer.0.attention.self.query`
 */
export function loraOf(config: PeftConfig, module: string): { readonly rank: number; readonly scaling: number } {
  const rank = matching(config.rank_pattern, module) ?? config.r;
  const alpha = matching(config.alpha_pattern, module) ?? config.lora_alpha;
  return { rank, scaling: alpha / (config.use_rslora ? Math.sqrt(rank) : rank) };
}

/** The value of the first pattern that matches the whole name or its end behind a dot, as PEFT looks it up. */
function matching(patterns: Readonly<Record<string, number>> | null | undefined, module: string): number | undefined {
  return Object.entries(patterns ?? {}).find(([pattern]) => patternRegExp(pattern, 'pattern').test(module))?.[1];
}

/** Patterns are regular expressions of strangers: these parts and at most two repetitions keep matching far from exponential (CWE-1333). */
const SAFE_PATTERN = /^\^?(?:[\w|-]|\\?\.|\\d|\[[\w-]+\]|\((?:\?:)?[\w.|\\-]+\)(?![*+?{])|[*+?])+\$?$/;

/** @throws {TwinrouteError} `unsupported` for an expression that could take long to match; `format` for one that is none */
function patternRegExp(pattern: string, title: string): RegExp {
  const repetitions = pattern.match(/[*+?]/g)?.length ?? 0;
  if (pattern.length > 512 || !SAFE_PATTERN.test(pattern) || repetitions > 2 + (pattern.match(/\(\?:/g)?.length ?? 0)) {
    throw new TwinrouteError(
      'unsupported',
      `${title}: expected a module name or a simple pattern, got ${JSON.stringify(pattern.slice(0, 100))}`,
    );
  }
  // PEFT puts `(.*\.)?` before the pattern; one that is anchored itself then only matches from the start.
  try {
    return new RegExp(`^(?:.*\\.)?(?:${pattern})$`);
  } catch (cause) {
    throw new TwinrouteError('format', `${title}: expected a regular expression, got ${JSON.stringify(pattern)}`, { cause });
  }
}

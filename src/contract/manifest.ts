// manifest.json: everything a reader has to know about a pack before it trusts one byte of it.

import * as z from 'zod/mini';
import { Learnt } from './learnt.ts';
import { ConfigId, Count, Fraction, Name, Sha256 } from './names.ts';
import { Policy } from './policy.ts';

/** The schema version that this code writes and reads. */
export const MANIFEST_SCHEMA = 1;

/** How a factor's numbers are stored. */
export const FactorFormat = z.enum(['fp32', 'fp16', 'int8', 'int4']);
export type FactorFormat = z.infer<typeof FactorFormat>;

/** How an expert's numbers are stored; `bits` are masks over the pack's unified vector. */
const ModuleFormat = z.enum(['fp32', 'fp16', 'int8', 'int4', 'bits']);
export type ModuleFormat = z.infer<typeof ModuleFormat>;

/** What became of one tensor's difference to the shared model, or to the base. */
export const ModuleTensor = z.strictObject({
  name: z.string(),
  shape: z.array(Count),
  /**
   * `factored`: `U [m, r] · V [r, n]`. `whole`: a 1-D delta, kept as it is. `unchanged`: there is no difference here, so
   * nothing is stored. `masked`: a scale times the entries of the unified vector that the mask keeps.
   */
  kind: z.enum(['factored', 'whole', 'unchanged', 'masked']),
  rank: Count,
  /** Share of the delta's squared Frobenius norm that the rank keeps, or the mask (1 − error², at least 0). */
  kept_energy: Fraction,
  /** ‖delta − stored‖_F / ‖delta‖_F, truncation and quantisation together; 0 for an unchanged tensor. */
  error: z.number().check(z.minimum(0)),
});
export type ModuleTensor = z.infer<typeof ModuleTensor>;

/** Where a model came from. */
export const Provenance = z.strictObject({
  /** Hash over the model's files in name order. */
  sha256: Sha256,
  license: z.string(),
  source: z.string(),
});
export type Provenance = z.infer<typeof Provenance>;

/** A metric's value with what it was measured on. */
export const Score = z.strictObject({ metric: z.string(), value: z.number(), rows: Count });
export type Score = z.infer<typeof Score>;

/** What takes the shared part away as a mix fills, where modules are about the base: served is `W_s + (Σw)·F + Σ w·module`. */
const ManifestFade = z.strictObject({
  file: z.string(),
  format: FactorFormat,
  /** `F = θ0 − θ_s`, exactly: the shared model is made from what is stored here. Energies and errors are those of the method's own shared model. */
  tensors: z.array(ModuleTensor),
});

/** Stored type of whole tensors. */
const FloatFormat = z.enum(['fp32', 'fp16', 'bf16']);

/** Gates that decide inside the model how much of each expert a layer gets; a request's mix only chooses the head. */
const ManifestGates = z.strictObject({
  file: z.string(),
  format: FloatFormat,
  /** Linear layers of a gate. */
  layers: z.union([z.literal(1), z.literal(2)]),
  /** One gate for each gated part of the architecture, or one for all. */
  per: z.enum(['part', 'model']),
  /** Texts it was trained on and texts held back. */
  rows: z.strictObject({ train: Count, held_back: Count }),
  /**
   * Σ over classifiers of the mean entropy on held-back texts, less `gate.diversity` times that of the mean answer: before the first step, and
   * after the step whose gates were kept.
   */
  loss: z.strictObject({ start: z.number(), kept: z.number(), step: Count }),
});
export type ManifestGates = z.infer<typeof ManifestGates>;

/** One expert of a pack. */
export const ManifestExpert = z.strictObject({
  name: Name,
  /** `lora`: read as an adapter, never dense. `full`: a whole checkpoint. */
  kind: z.enum(['lora', 'full']),
  provenance: Provenance,
  problem: z.enum(['classification', 'regression']),
  /** Class names by index; one name for a regression. */
  labels: z.array(z.string()).check(z.minLength(1), z.maxLength(100_000)),
  file: z.string(),
  format: ModuleFormat,
  tensors: z.array(ModuleTensor),
  /** The expert's own score (θ_t itself), when the build had data. */
  individual: z.optional(Score),
});
export type ManifestExpert = z.infer<typeof ManifestExpert>;

/** How the light router turns raw text into feature ids; core/routing/features.ts reads it. */
export const RouterFeatures = z.strictObject({
  version: z.literal(1),
  /** Rows of the embedding table; a power of two. */
  buckets: z.int().check(
    z.minimum(16),
    z.maximum(1 << 22),
    z.refine((count) => (count & (count - 1)) === 0, 'expected a power of two'),
  ),
  /** Longest word n-gram. */
  word_ngrams: z.int().check(z.minimum(1), z.maximum(5)),
  /** Shortest and longest character n-gram. */
  char_ngrams: z
    .tuple([z.int().check(z.minimum(1), z.maximum(8)), z.int().check(z.minimum(1), z.maximum(8))])
    .check(z.refine(([shortest, longest]) => shortest <= longest, 'expected the shorter length first')),
  /** Characters read of each text; the rest is ignored by the router. */
  max_chars: z.int().check(z.minimum(16), z.maximum(65_536)),
});
export type RouterFeatures = z.infer<typeof RouterFeatures>;

/** The light router. */
export const ManifestRouter = z.strictObject({
  file: z.string(),
  features: RouterFeatures,
  /** Class order of the router's logits: names, never a directory listing. */
  classes: z.array(Name),
  policy: Policy,
  /** Rows it was trained on and rows held back. */
  rows: z.strictObject({ train: Count, held_back: Count }),
  /** Accuracy and expected calibration error on the held-back rows. */
  accuracy: Fraction,
  calibration_error: Fraction,
});
export type ManifestRouter = z.infer<typeof ManifestRouter>;

/** The paper's router on the mean-pooled hidden states of the shared model, run by the origin. */
export const ManifestOriginRouter = z.strictObject({
  file: z.string(),
  classes: z.array(Name),
  policy: Policy,
  rows: z.strictObject({ train: Count, held_back: Count }),
  accuracy: Fraction,
});
export type ManifestOriginRouter = z.infer<typeof ManifestOriginRouter>;

/** A file of the pack. */
export const ManifestFile = z.strictObject({ sha256: Sha256, bytes: Count });
export type ManifestFile = z.infer<typeof ManifestFile>;

/** manifest.json. */
export const Manifest = z.strictObject({
  schema: z.literal(MANIFEST_SCHEMA),
  name: Name,
  /** Content hash of method, parameters, inputs and seed. */
  config: ConfigId,
  method: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  seed: Count,
  /** The engine that built it: same inputs, seed and engine give the same bytes. */
  engine: z.string(),
  producer: z.string(),
  architecture: z.strictObject({ type: z.string(), config: z.record(z.string(), z.unknown()) }),
  /** Longest input in tokens; longer ones are cut and said to be. */
  max_tokens: z.int().check(z.minimum(2), z.maximum(1 << 20)),
  base: Provenance,
  shared: z.strictObject({
    file: z.string(),
    /** How it was made; 'none' where it is the base itself. */
    method: z.string(),
    format: FloatFormat,
    fade: z.optional(ManifestFade),
    /** The vector that the experts' masks are over, parameters by name; those that no expert changes are absent. */
    unified: z.optional(z.strictObject({ file: z.string(), format: FloatFormat })),
    /** Where its method is an adaptive one. */
    learnt: z.optional(Learnt),
  }),
  gates: z.optional(ManifestGates),
  experts: z.array(ManifestExpert).check(z.minLength(1), z.maxLength(10_000)),
  /** Who decides: the edge's light router, the origin's, or the origin's where the edge's abstains. */
  routing: z.enum(['edge', 'origin', 'auto']),
  router: z.optional(ManifestRouter),
  origin_router: z.optional(ManifestOriginRouter),
  tokenizer: z.strictObject({ file: z.string(), config_file: z.string() }),
  files: z.record(z.string(), ManifestFile),
});
export type Manifest = z.infer<typeof Manifest>;

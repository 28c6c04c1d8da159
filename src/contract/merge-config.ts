// The YAML of `twinroute merge`: mergekit's. Keys that twinroute knows but has no use for are read and told of; unknown ones are refused.
// Source: mergekit's README and docs/merge_methods.md.

import * as z from 'zod/mini';
import { Count } from './names.ts';

/** A constant, or a gradient: values at equal distances from the first layer to the last, with straight lines between. */
const SettingValue = z.union([z.number(), z.boolean(), z.array(z.number()).check(z.minLength(1), z.maxLength(1000))]);
export type SettingValue = z.infer<typeof SettingValue>;

/** A value for all tensors, or the first of a list whose filter the tensor's name contains; an entry without filter is for the rest. */
export const Setting = z.union([
  SettingValue,
  z.array(z.strictObject({ filter: z.nullish(z.string()), value: SettingValue })).check(z.minLength(1), z.maxLength(1000)),
]);
export type Setting = z.infer<typeof Setting>;

/** Settings by parameter name. */
const Settings = z.nullish(z.record(z.string(), Setting));
export type Settings = z.infer<typeof Settings>;

/** A folder, or `folder+adapter folder`; relative to the working directory. */
const ModelPath = z.string().check(z.minLength(1), z.maxLength(4096));

const MergeModel = z.strictObject({ model: ModelPath, parameters: Settings });

const LayerIndex = Count.check(z.maximum(10_000));

const Source = z.strictObject({
  model: ModelPath,
  /** From the first to before the second. */
  layer_range: z.tuple([LayerIndex, LayerIndex]),
  parameters: Settings,
});

/** Consecutive layers of the result. */
const Slice = z.strictObject({ sources: z.array(Source).check(z.minLength(1), z.maxLength(1000)), parameters: Settings });

const Dtype = z.enum(['float16', 'bfloat16', 'float32']);

/** A merge config. */
export const MergeConfig = z.strictObject({
  merge_method: z.string(),
  base_model: z.nullish(ModelPath),
  /** Whole models; this or `slices`. */
  models: z.nullish(z.array(MergeModel).check(z.minLength(1), z.maxLength(1000))),
  slices: z.nullish(z.array(Slice).check(z.minLength(1), z.maxLength(10_000))),
  parameters: Settings,
  /** Stored type of the result, unless `out_dtype` says another; numbers are merged in f32 and f64 whatever it is. */
  dtype: z.nullish(Dtype),
  out_dtype: z.nullish(Dtype),
  tokenizer_source: z.nullish(z.string()),
  tokenizer: z.nullish(z.looseObject({ source: z.nullish(z.string()) })),
  chat_template: z.nullish(z.string()),
  name: z.nullish(z.string()),
  random_seed: z.nullish(Count),
});
export type MergeConfig = z.infer<typeof MergeConfig>;

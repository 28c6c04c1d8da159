// The merge of an EMR pack, out of core like that of Twin: of one parameter after another the base, the unified vector of the task vectors, and each
// expert's mask over it. Scales are known when the last parameter is done; masks do not depend on them.

import { TwinrouteError } from '../core/errors.ts';
import { maskOf, unify } from '../core/merge/emr.ts';
import { maskError, scalesOf, sumsOf, type MaskSums } from '../core/merge/emr-scale.ts';
import type { MatMul } from '../core/linalg/matrix.ts';
import type { Progress } from '../core/progress.ts';
import type { ModuleTensor } from '../contract/manifest.ts';
import { HEAD_BIAS, HEAD_WEIGHT, storeFloats, storeMask, storeScales } from '../formats/expert-file.ts';
import { bfloatToFloat, halfToFloat } from '../core/half.ts';
import { storeFloats as convertFloats } from '../formats/safetensors-writer.ts';
import type { Spool } from '../host/spool.ts';
import { SHARED_FORMATS, type MergedTensors } from './merge-models.ts';
import { expertFile, SHARED_FILE, UNIFIED_FILE } from './model-files.ts';
import type { Share } from './parts/share.ts';
import type { BuildPlan } from './plan.ts';
import { readTheta } from './theta.ts';

/** One expert's tensor before its scales are known; without sums where it equals the base. */
interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly sums: readonly MaskSums[];
}

/**
 * Merges a share of the plan's parameters into the spool, heads included; of one whose scales go over all tensors, a whole share. Scales and errors are those of the unified vector as it is stored.
 * @throws {TwinrouteError} `numeric` when a weight does not fit the config's dtype; `format` for NaN weights
 * Cost: T tensors in f32 at a time
 */
export async function mergeEmr(
  { base, model, experts, config }: BuildPlan,
  share: Share,
  spool: Spool,
  matmul: MatMul,
  progress: Progress,
): Promise<MergedTensors> {
  const { scale } = config.parameters;
  const entries: Entry[][] = experts.map(() => []);
  for (const [done, { name, shape }] of model.parameters.entries()) {
    if (share.of(name) === undefined) continue;
    progress({ stage: 'merge', done, total: model.parameters.length, note: name });
    const origin = await base.readFloat(name);
    await spool.add(
      SHARED_FILE,
      { name, dtype: SHARED_FORMATS[config.dtype].stored, shape },
      rounded(name, origin.data, config.dtype).stored,
    );
    const sources = experts.map((expert) => expert.source.parameter(name));
    const vectors: Float32Array[] = [];
    for (const source of sources.every(({ kind }) => kind === 'same') ? [] : sources) {
      const theta = await readTheta(origin, source, matmul);
      vectors.push(theta.map((value, i) => value - origin.data[i]));
    }
    if (vectors.every((vector) => vector.every((value) => value === 0))) {
      for (const each of entries) each.push({ name, shape, sums: [] });
      continue;
    }
    const { stored, values: unified } = rounded(name, unify(vectors), config.dtype);
    await spool.add(UNIFIED_FILE, { name, dtype: SHARED_FORMATS[config.dtype].stored, shape }, stored);
    for (const [t, vector] of vectors.entries()) {
      const mask = maskOf(vector, unified);
      const isChanged = vector.some((value) => value !== 0);
      entries[t].push({ name, shape, sums: isChanged ? sumsOf(shape, vector, mask, unified, scale) : [] });
      const { tensor, data } = storeMask(name, mask);
      if (isChanged) await spool.add(expertFile(experts[t].name), tensor, data);
    }
  }
  progress({ stage: 'merge', done: model.parameters.length, total: model.parameters.length });
  const tensors: ModuleTensor[][] = [];
  for (const [t, { source }] of experts.entries()) {
    const scales = scalesOf(
      entries[t].map(({ sums }) => sums),
      scale,
    );
    tensors.push(entries[t].map((entry, i) => tensorOf(entry, scales[i])));
    const stored = share.heads ? [storeFloats(HEAD_WEIGHT, source.head.weight), storeFloats(HEAD_BIAS, source.head.bias)] : [];
    for (const [i, { name, sums }] of entries[t].entries()) if (sums.length > 0) stored.push(storeScales(name, scales[i]));
    for (const { tensor, data } of stored) await spool.add(expertFile(experts[t].name), tensor, data);
  }
  return { experts: tensors, fade: undefined };
}

/** The manifest's line. */
function tensorOf({ name, shape, sums }: Entry, scales: Float32Array): ModuleTensor {
  const fact = { name, shape: [...shape] };
  if (sums.length === 0) return { ...fact, kind: 'unchanged', rank: 0, kept_energy: 1, error: 0 };
  const error = maskError(sums, scales);
  return { ...fact, kind: 'masked', rank: 0, kept_energy: Math.max(0, 1 - error * error), error };
}

/** Numbers as they are stored, and as a reader gets them back. */
function rounded(
  name: string,
  values: Float32Array,
  dtype: keyof typeof SHARED_FORMATS,
): { readonly stored: Float32Array | Uint16Array; readonly values: Float32Array } {
  const { stored: type, largest } = SHARED_FORMATS[dtype];
  const worst = values.find((value) => !(Math.abs(value) <= largest));
  if (worst !== undefined)
    throw new TwinrouteError('numeric', `${name}: expected weights within ±${largest} for ${dtype}, got ${worst}`, { param: 'dtype' });
  const stored = convertFloats(values, type);
  return { stored, values: stored instanceof Float32Array ? stored : type === 'F16' ? halfToFloat(stored) : bfloatToFloat(stored) };
}

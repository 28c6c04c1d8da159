// Writes a Hugging Face checkpoint: config.json, model.safetensors, tokenizer. Weights are read, stored and written one at a time.

import type { ManifestExpert } from '../../contract/manifest.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { FloatTensor } from '../../core/tensor.ts';
import type { Pack } from '../../formats/pack.ts';
import { storeFloats, writeSafetensors, type TensorProducer } from '../../formats/safetensors-writer.ts';
import type { OpenArchitecture } from '../../model/registry.ts';
import { SHARED_FORMATS } from '../merge-models.ts';
import type { PackFiles } from '../pack-files.ts';
import type { ExportDtype } from './format.ts';
import { hfConfig, hfModel } from './hf-model.ts';

/** A head with its expert. */
export interface CheckpointHead {
  readonly expert: ManifestExpert;
  readonly weight: FloatTensor;
  readonly bias: FloatTensor;
}

/** What goes into a checkpoint. */
export interface Checkpoint {
  readonly model: OpenArchitecture;
  /** A parameter of the encoder; asked for once each. */
  readonly read: (parameter: string) => Promise<FloatTensor>;
  readonly head: CheckpointHead | undefined;
  readonly dtype: ExportDtype;
}

/**
 * Writes a checkpoint into `folder` of the export, `''` for its top.
 * @throws {TwinrouteError} `numeric` when a weight does not fit the dtype
 */
export async function writeCheckpoint(files: PackFiles, folder: string, { model, read, head, dtype }: Checkpoint): Promise<void> {
  const prefix = head === undefined ? '' : hfModel(model).prefix;
  const encoder = model.parameters.map(({ name, shape }) => producer(prefix + name, shape, dtype, () => read(name)));
  await files.write(`${folder}config.json`, hfConfig(model, head?.expert, dtype));
  await files.write(`${folder}model.safetensors`, writeSafetensors([...encoder, ...headProducers(head, '', dtype)], { format: 'pt' }));
}

/** Copies a pack's tokenizer. */
export async function writeTokenizer(files: PackFiles, folder: string, pack: Pack): Promise<void> {
  const { file, config_file: config } = pack.manifest.tokenizer;
  await files.write(`${folder}tokenizer.json`, await pack.bytes(file));
  await files.write(`${folder}tokenizer_config.json`, await pack.bytes(config));
}

/** A head's tensors under Hugging Face's names; none without a head. */
export function headProducers(head: CheckpointHead | undefined, prefix: string, dtype: ExportDtype): readonly TensorProducer[] {
  if (head === undefined) return [];
  const { weight, bias } = head;
  return [
    producer(`${prefix}classifier.weight`, weight.shape, dtype, () => Promise.resolve(weight)),
    producer(`${prefix}classifier.bias`, bias.shape, dtype, () => Promise.resolve(bias)),
  ];
}

/** A tensor that is read when its turn comes. */
export function producer(name: string, shape: readonly number[], dtype: ExportDtype, read: () => Promise<FloatTensor>): TensorProducer {
  const { stored, largest } = SHARED_FORMATS[dtype];
  return {
    name,
    shape,
    dtype: stored,
    async data() {
      const { data } = await read();
      const worst = data.find((value) => !(Math.abs(value) <= largest));
      if (worst !== undefined)
        throw new TwinrouteError('numeric', `${name}: expected weights within ±${largest} for ${dtype}, got ${worst}`, { param: 'dtype' });
      return storeFloats(data, stored);
    },
  };
}

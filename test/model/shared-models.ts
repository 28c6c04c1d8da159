// The base, the adapters and PyTorch's logits of ../shared, for the tests that hold the encoder against them.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { BertConfig } from '../../src/contract/hf-config.ts';
import { floatTensor, type FloatTensor } from '../../src/core/tensor.ts';
import { bytesSource } from '../../src/formats/memory-source.ts';
import { openSafetensors, type Safetensors } from '../../src/formats/safetensors.ts';
import type { ExclusiveModule, GraphHead } from '../../src/model/twin-parameters.ts';

/** Folder of the shared files. */
export const SHARED = resolve(import.meta.dirname, '../../../shared');
export const sharedIsPresent = existsSync(join(SHARED, 'oracles/experts.json'));

/** A row with PyTorch's logits. */
export interface OracleRow {
  readonly input_ids: readonly number[];
  readonly token_type_ids: readonly number[];
  readonly logits: readonly number[];
}

/** Rows by expert. */
export async function readOracle(): Promise<Readonly<Record<string, readonly OracleRow[]>>> {
  return JSON.parse(await readFile(join(SHARED, 'oracles/experts.json'), 'utf8')).experts;
}

export async function readBase(): Promise<{ readonly config: BertConfig; readonly parameters: ReadonlyMap<string, FloatTensor> }> {
  const config = JSON.parse(await readFile(join(SHARED, 'models/base/config.json'), 'utf8'));
  const file = await open('models/base/model.safetensors');
  const parameters = new Map<string, FloatTensor>();
  for (const name of file.names) parameters.set(name, await file.readFloat(name));
  return { config, parameters };
}

/** A LoRA adapter as factors `u = scaling · B`, `v = A`, and its head. */
export async function readAdapter(
  expert: string,
): Promise<{ readonly modules: ReadonlyMap<string, ExclusiveModule>; readonly head: GraphHead }> {
  const { lora_alpha: alpha, r } = JSON.parse(await readFile(join(SHARED, `models/${expert}/adapter_config.json`), 'utf8'));
  const file = await open(`models/${expert}/adapter_model.safetensors`);
  const modules = new Map<string, ExclusiveModule>();
  for (const name of file.names.filter((name) => name.endsWith('.lora_A.weight'))) {
    const v = await file.readFloat(name);
    const b = await file.readFloat(name.replace('lora_A', 'lora_B'));
    const parameter = name.slice('base_model.model.bert.'.length).replace('lora_A.', '');
    modules.set(parameter, {
      kind: 'factored',
      u: floatTensor(
        b.shape,
        b.data.map((value) => (value * alpha) / r),
      ),
      v,
    });
  }
  const head = {
    weight: await file.readFloat('base_model.model.classifier.weight'),
    bias: await file.readFloat('base_model.model.classifier.bias'),
  };
  return { modules, head };
}

async function open(path: string): Promise<Safetensors> {
  return openSafetensors(bytesSource(path, await readFile(join(SHARED, path))));
}

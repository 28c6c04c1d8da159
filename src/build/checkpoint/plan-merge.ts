// A merge before it starts: config checked, models open, every tensor planned. Nothing has been computed and nothing written.

import { stat } from 'node:fs/promises';
import type { MatMul } from '../../core/linalg/matrix.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { StaticMethod } from '../../core/merge/method.ts';
import { staticMethod } from '../../core/merge/registry.ts';
import { MergeConfig } from '../../contract/merge-config.ts';
import { parseWith } from '../../contract/parse.ts';
import { openFolder, type HostFolder } from '../../host/files.ts';
import { readYaml } from '../read-yaml.ts';
import { checkSettings } from './check-settings.ts';
import { isAdapter, openAdapted, openModel, renamed, type ModelTensors } from './model-tensors.ts';
import { planTensors, type TensorPlan } from './plan-tensors.ts';
import { resultTokenizer, type ResultTokenizer, type TokenizedModel } from './result-tokenizer.ts';

/** A model of the merge. */
export interface MergeInput {
  /** As named in the config. */
  readonly model: string;
  readonly kind: 'full' | 'lora';
  readonly folder: HostFolder;
}

/** A merge that can start. */
export interface MergePlan {
  /** The YAML. */
  readonly text: string;
  readonly config: MergeConfig;
  readonly method: StaticMethod;
  readonly plan: TensorPlan;
  /** The frame first: its config is the result's. */
  readonly inputs: readonly MergeInput[];
  /** Folder of the frame's config; of its base when it is an adapter. */
  readonly frame: HostFolder;
  readonly tokenizer: ResultTokenizer;
  readonly notices: readonly string[];
  /** Closes every input. */
  close(): Promise<void>;
}

/**
 * Plans the merge of a config; reads headers only.
 * @param file path of the config, for messages
 * @param matmul for adapters
 * @throws {TwinrouteError} `config`, `not_found`, `format`, `incompatible` or `unsupported` for whatever stands in the way; nothing stays open then
 */
export async function planMerge(text: string, file: string, matmul: MatMul): Promise<MergePlan> {
  const config = parseWith(MergeConfig, readYaml(text, file), file, 'config');
  const method = staticMethod(config.merge_method);
  const notices = [...checkSettings(config, method), ...ignoredKeys(config)];
  const names = modelsOf(config);
  const [frameName] = names;
  const folders = new Map<string, HostFolder>();
  const close = async (): Promise<void> => {
    for (const folder of folders.values()) await folder.close();
  };
  const open = async (path: string): Promise<HostFolder> => {
    const folder = folders.get(path) ?? (await openFolder(path));
    folders.set(path, folder);
    return folder;
  };
  try {
    const opened: TokenizedModel[] = [];
    const inputs: MergeInput[] = [];
    let frame: HostFolder | undefined;
    for (const name of names) {
      const [path, adapter] = await splitAdapter(name);
      const folder = await open(adapter ?? path);
      const adapts = await isAdapter(folder);
      const baseFolder = !adapts ? folder : await open(adapter === undefined ? adaptedBase(config, name) : path);
      const base = await openModel(baseFolder);
      const model = adapts ? await openAdapted(base, folder, matmul) : base;
      const known = opened.length === 0 ? model : renamed(model, opened[0].model.names);
      opened.push({ name, model: known, folder: baseFolder });
      inputs.push({ model: name, kind: adapts ? 'lora' : 'full', folder });
      frame ??= baseFolder;
    }
    if (frame === undefined) throw new TwinrouteError('config', `${file}: expected models, got none`, { param: 'models' });
    const { tokenizer, models } = await resultTokenizer(config, opened);
    const byName = new Map<string, ModelTensors>(opened.map(({ name }, i) => [name, models[i]]));
    const plan = planTensors({ config, method, models: byName, frame: frameName });
    return { text, config, method, plan, inputs, frame, tokenizer, notices: [...notices, ...plan.notices], close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Every model that the config names, once, the frame first. */
function modelsOf({ base_model: base, models, slices }: MergeConfig): string[] {
  const listed = [...(models ?? []), ...(slices ?? []).flatMap(({ sources }) => sources)].map(({ model }) => model);
  return [...new Set(base ? [base, ...listed] : listed)];
}

/** `folder+adapter` in two, unless a folder has that very name. */
async function splitAdapter(name: string): Promise<[path: string, adapter?: string]> {
  const plus = name.lastIndexOf('+');
  if (plus <= 0 || (await stat(name).catch(() => undefined)) !== undefined) return [name];
  return [name.slice(0, plus), name.slice(plus + 1)];
}

function adaptedBase({ base_model: base }: MergeConfig, name: string): string {
  if (base && base !== name) return base;
  throw new TwinrouteError('config', `${name}: expected a base_model for this adapter, or base+adapter, got neither`, {
    param: 'base_model',
  });
}

/** What of mergekit's keys about tokenizers has no effect. */
function ignoredKeys({ tokenizer, chat_template: template }: MergeConfig): string[] {
  const ignored = Object.keys(tokenizer ?? {}).filter((key) => key !== 'source');
  return [...ignored.map((key) => `tokenizer.${key}`), ...(template ? ['chat_template'] : [])].map(
    (key) => `${key} is ignored: tokenizer_source alone decides on the tokenizer`,
  );
}

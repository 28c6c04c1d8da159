// The shared model as a checkpoint and each exclusive module as a LoRA adapter over it, so that any server of LoRA adapters can host the
// pack: adapter A = V, B = U, scaling 1. LoRA has no place for changes of vectors, nor (as twinroute and most servers read it) of tables.
//
// Letters: m × n a matrix, r rank.

import type { ManifestExpert, ModuleTensor } from '../../contract/manifest.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { Matrix } from '../../core/linalg/matrix.ts';
import { floatTensor, type FloatTensor } from '../../core/tensor.ts';
import { BASE_HASH_KEY, factorName, PEFT_PREFIX } from '../../formats/lora-expert.ts';
import { writeSafetensors } from '../../formats/safetensors-writer.ts';
import { createSha256 } from '../../host/files.ts';
import { openPackWeights, type PackWeights } from '../../model/pack-weights.ts';
import type { PackFiles } from '../pack-files.ts';
import { modelSha256 } from '../provenance.ts';
import { cardFront } from './card.ts';
import { headProducers, producer, writeCheckpoint, writeTokenizer } from './checkpoint.ts';
import { exportedHead, type ExportDtype, type ExportFormat } from './format.ts';
import { hfConfig, hfModel } from './hf-model.ts';

/** Folder of the shared model inside the export. */
const BASE_FOLDER = 'base';

/** The format `peft`. */
export const peft: ExportFormat = {
  name: 'peft',
  summary: 'the shared model as a checkpoint, and each expert as a PEFT LoRA adapter over it',
  takes: ['dtype', 'lossy'],
  async write({ pack, dtype, lossy }, files) {
    const { manifest } = pack;
    const weights = await openPackWeights(pack);
    if (manifest.method !== 'twin') {
      throw new TwinrouteError(
        'unsupported',
        `peft: expected a pack of twin, whose modules are of low rank as LoRA's are, got one of ${manifest.method}; --format hf and onnx with --mix fold its experts into plain weights`,
      );
    }
    const { isLinear, prefix } = hfModel(weights.model);
    if (manifest.experts.some(({ name }) => name === BASE_FOLDER)) {
      throw new TwinrouteError('unsupported', `peft: expected no expert named ${BASE_FOLDER}, which is the folder of the shared model`, {
        param: BASE_FOLDER,
      });
    }
    const parts = manifest.experts.map((expert) => ({ expert, ...split(expert, isLinear) }));
    if (!lossy) refuseLoss(parts);
    await writeCheckpoint(files, `${BASE_FOLDER}/`, {
      model: weights.model,
      read: (parameter) => weights.centre(parameter),
      head: undefined,
      dtype,
    });
    await writeTokenizer(files, `${BASE_FOLDER}/`, pack);
    await files.write(
      `${BASE_FOLDER}/README.md`,
      `${cardFront(manifest.base.license, manifest.base.source)}\n\nShared model of pack ${manifest.name}, config ${manifest.config}.\n`,
    );
    const baseHash = modelSha256(filesIn(files, `${BASE_FOLDER}/`), createSha256);
    for (const { expert, lora } of parts) await writeAdapter(files, weights, expert, lora, { prefix, dtype, baseHash });
    return {
      mix: null,
      heads: manifest.experts.map((expert) => exportedHead(expert, 0)),
      experts: manifest.experts,
      dropped: Object.fromEntries(parts.filter(({ dropped }) => dropped.length > 0).map(({ expert, dropped }) => [expert.name, dropped])),
      usage: usageOf(manifest.experts[0].name, manifest.shared.fade !== undefined),
    };
  },
};

/** A folder's files and hashes. */
function filesIn(files: PackFiles, folder: string): [string, string][] {
  return Object.entries(files.written()).flatMap(([file, { sha256 }]): [string, string][] =>
    file.startsWith(folder) ? [[file.slice(folder.length), sha256]] : [],
  );
}

/** What of an expert LoRA can express, and what it cannot. */
interface Split {
  readonly lora: readonly ModuleTensor[];
  readonly dropped: string[];
}

function split({ tensors }: ManifestExpert, isLinear: (parameter: string) => boolean): Split {
  const fits = ({ kind, name }: ModuleTensor): boolean => kind === 'factored' && isLinear(name);
  return {
    lora: tensors.filter(fits),
    dropped: tensors.filter((tensor) => tensor.kind !== 'unchanged' && !fits(tensor)).map(({ name }) => name),
  };
}

/** @throws {TwinrouteError} `unsupported` naming what would be lost */
function refuseLoss(parts: readonly (Split & { readonly expert: ManifestExpert })[]): void {
  const losing = parts.filter(({ dropped }) => dropped.length > 0);
  if (losing.length === 0) return;
  const lists = losing
    .slice(0, 3)
    .map(
      ({ expert, dropped }) =>
        `${expert.name}: ${dropped.slice(0, 3).join(', ')}${dropped.length > 3 ? ` and ${dropped.length - 3} more` : ''}`,
    );
  throw new TwinrouteError(
    'unsupported',
    `peft: expected experts that change nothing but matrices of linear layers, which is what LoRA can express; got ${losing.length} that change others (${lists.join('; ')}); --lossy leaves those changes out, --format hf and onnx keep them`,
    { param: 'lossy' },
  );
}

interface AdapterSettings {
  readonly prefix: string;
  readonly dtype: ExportDtype;
  readonly baseHash: string;
}

async function writeAdapter(
  files: PackFiles,
  weights: PackWeights,
  expert: ManifestExpert,
  lora: readonly ModuleTensor[],
  { prefix, dtype, baseHash }: AdapterSettings,
): Promise<void> {
  if (lora.length === 0) {
    throw new TwinrouteError(
      'unsupported',
      `peft: expected an expert with a module on some linear layer, got ${expert.name}, which has none; export it with --format hf --head ${expert.name}`,
      { param: expert.name },
    );
  }
  const file = await weights.expert(expert.name);
  const factor = async (parameter: string, side: 'u' | 'v'): Promise<FloatTensor> => {
    const module = await file.module(parameter);
    if (module?.kind === 'factored') return toTensor(module[side]);
    throw new TwinrouteError('internal', `peft: expected factors of ${parameter}, got ${module?.kind ?? 'nothing'}`);
  };
  const stored = PEFT_PREFIX + prefix;
  const factors = lora.flatMap(({ name, shape: [m, n], rank }) => [
    producer(stored + factorName(name, 'A'), [rank, n], dtype, () => factor(name, 'v')),
    producer(stored + factorName(name, 'B'), [m, rank], dtype, () => factor(name, 'u')),
  ]);
  const head = headProducers({ expert, ...(await file.head()) }, PEFT_PREFIX, dtype);
  const folder = `${expert.name}/`;
  await files.write(`${folder}adapter_config.json`, adapterConfig(lora, prefix));
  await files.write(
    `${folder}adapter_model.safetensors`,
    writeSafetensors([...factors, ...head], { format: 'pt', [BASE_HASH_KEY]: baseHash }),
  );
  await files.write(`${folder}config.json`, hfConfig(weights.model, expert, dtype));
  await files.write(
    `${folder}README.md`,
    `${cardFront(expert.provenance.license, expert.provenance.source)}\n\nExclusive module of expert ${expert.name} over ../${BASE_FOLDER}.\n`,
  );
}

/** adapter_config.json: every module by its whole name, so that a suffix matches no other; alpha = r everywhere, so that scaling is 1. */
function adapterConfig(lora: readonly ModuleTensor[], prefix: string): string {
  const r = commonest(lora.map(({ rank }) => rank));
  const moduleOf = ({ name }: ModuleTensor): string => prefix + name.slice(0, -'.weight'.length);
  const others = Object.fromEntries(lora.filter(({ rank }) => rank !== r).map((tensor) => [moduleOf(tensor), tensor.rank]));
  const config = {
    peft_type: 'LORA',
    task_type: 'SEQ_CLS',
    base_model_name_or_path: BASE_FOLDER,
    inference_mode: true,
    r,
    lora_alpha: r,
    rank_pattern: others,
    alpha_pattern: others,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    target_modules: lora.map(moduleOf),
    modules_to_save: ['classifier'],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** The most frequent value, the larger of two that are equally frequent. */
function commonest(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] > best[1] || (entry[1] === best[1] && entry[0] > best[0]) ? entry : best))[0];
}

function toTensor({ rows, cols, data }: Matrix): FloatTensor {
  return floatTensor([rows, cols], data);
}

function usageOf(example: string, fades: boolean): string {
  const centre = fades ? 'what the shared model fades to as a mix fills: scales have to add up to 1' : 'the shared model';
  return `\`${BASE_FOLDER}/\` is ${centre}. Each other folder is a LoRA adapter over it, with its classification head and labels. A request of expert e is answered by adapter e at scale 1; weights of a mix are scales. (peft's \`add_weighted_adapter\` with \`combination_type='cat'\` takes adapters without \`modules_to_save\`: drop it from adapter_config.json, and the classifier's tensors, first.) Loading ${example}:

\`\`\`python
from peft import PeftModel
from transformers import AutoConfig, AutoModelForSequenceClassification
config = AutoConfig.from_pretrained('${example}')
base = AutoModelForSequenceClassification.from_pretrained('${BASE_FOLDER}', config=config)
model = PeftModel.from_pretrained(base, '${example}').eval()
\`\`\``;
}

// Random BERT-shaped models of a few kilobytes, in the layouts of Hugging Face and PEFT: what tests merge, pack and serve where the real
// experts would be slow or absent. Equal options give equal bytes.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, type Random } from '../../src/core/random.ts';
import { floatTensor, sizeOf, type FloatTensor } from '../../src/core/tensor.ts';
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { bert } from '../../src/model/bert.ts';

/** One expert to make. */
export interface TinyExpert {
  readonly name: string;
  readonly kind: 'full' | 'lora';
  /** Of a LoRA expert; default 2. */
  readonly rank?: number;
  /** Outputs of the head; 1 makes a regression. Default 2. */
  readonly classes?: number;
}

/** What to make. */
export interface TinyOptions {
  readonly seed?: number;
  readonly experts?: readonly TinyExpert[];
  readonly layers?: number;
  /** Divisible by 4, the number of attention heads. */
  readonly width?: number;
  readonly dtype?: 'F32' | 'F16' | 'BF16';
}

/** What was made. */
export interface TinyModels {
  readonly dir: string;
  /** Folder of the base. */
  readonly base: string;
  /** Folder of each expert, by name. */
  readonly experts: Readonly<Record<string, string>>;
  /** The encoder's part of config.json. */
  readonly config: typeof SIZES & { readonly hidden_size: number; readonly num_hidden_layers: number; readonly vocab_size: number };
  /** Deletes `dir`. */
  remove(): Promise<void>;
}

const SIZES = {
  model_type: 'bert',
  num_attention_heads: 4,
  intermediate_size: 24,
  max_position_embeddings: 40,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  hidden_act: 'gelu',
} as const;
const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('');
const VOCABULARY = [
  ...SPECIAL,
  ...CHARACTERS,
  ...CHARACTERS.map((char) => `##${char}`),
  ...'.,!?\'"-()[]'.split(''),
  'the',
  'film',
  'was',
  'good',
  'bad',
  '##ing',
  '##ed',
];
const LORA_ALPHA = 4;

/** Makes a base and experts in a fresh temporary folder. */
export async function makeTinyModels(options: TinyOptions = {}): Promise<TinyModels> {
  const { seed = 1, experts = [], layers = 2, width = 16, dtype = 'F32' } = options;
  const dir = await mkdtemp(join(tmpdir(), 'twinroute-tiny-'));
  const config = { ...SIZES, hidden_size: width, num_hidden_layers: layers, vocab_size: VOCABULARY.length };
  const base = join(dir, 'base');
  const weights = randomEncoder(createRandom(seed, 'base'), config);
  await writeModel(base, 'model.safetensors', weights, dtype);
  await writeJson(base, 'config.json', { ...config, architectures: ['BertModel'] });
  await writeTokenizer(base);
  const folders: [string, string][] = [];
  for (const expert of experts) {
    const folder = join(dir, expert.name);
    const random = createRandom(seed, expert.name);
    if (expert.kind === 'full') await writeFull(folder, expert, weights, random, dtype);
    else await writeLora(folder, expert, weights, random, dtype);
    await writeJson(folder, 'config.json', { ...config, architectures: ['BertForSequenceClassification'], ...headConfig(expert) });
    folders.push([expert.name, folder]);
  }
  return { dir, base, experts: Object.fromEntries(folders), config, remove: () => rm(dir, { recursive: true, force: true }) };
}

type Weights = Map<string, FloatTensor>;

function randomEncoder(random: Random, config: TinyModels['config']): Weights {
  // Norm weights around 1 and everything else around 0, so that activations stay of order 1 as in trained models.
  return new Map(
    bert.parameters(config).map(({ name, shape }) => [name, randomTensor(random, shape, 0.2, name.endsWith('LayerNorm.weight') ? 1 : 0)]),
  );
}

async function writeFull(folder: string, expert: TinyExpert, base: Weights, random: Random, dtype: 'F32' | 'F16' | 'BF16'): Promise<void> {
  const moved = [...base].map(([name, tensor]): [string, FloatTensor] => {
    const delta = randomTensor(random, tensor.shape, 0.05);
    return [
      `bert.${name}`,
      floatTensor(
        tensor.shape,
        tensor.data.map((value, i) => value + delta.data[i]),
      ),
    ];
  });
  await writeModel(folder, 'model.safetensors', new Map([...moved, ...head(random, expert, widthOf(base), '')]), dtype);
}

async function writeLora(folder: string, expert: TinyExpert, base: Weights, random: Random, dtype: 'F32' | 'F16' | 'BF16'): Promise<void> {
  const { rank = 2 } = expert;
  const factors: Weights = new Map();
  for (const [name, { shape }] of base) {
    if (shape.length !== 2 || name.startsWith('embeddings.')) continue;
    const module = `base_model.model.bert.${name.slice(0, -'.weight'.length)}`;
    factors.set(`${module}.lora_A.weight`, randomTensor(random, [rank, shape[1]], 0.2));
    factors.set(`${module}.lora_B.weight`, randomTensor(random, [shape[0], rank], 0.2));
  }
  await writeModel(
    folder,
    'adapter_model.safetensors',
    new Map([...factors, ...head(random, expert, widthOf(base), 'base_model.model.')]),
    dtype,
  );
  await writeJson(folder, 'adapter_config.json', {
    peft_type: 'LORA',
    task_type: 'SEQ_CLS',
    r: rank,
    lora_alpha: LORA_ALPHA,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    rank_pattern: {},
    alpha_pattern: {},
    modules_to_save: ['classifier', 'score'],
    target_modules: ['dense', 'key', 'query', 'value'],
  });
}

function head(random: Random, { classes = 2 }: TinyExpert, width: number, prefix: string): Weights {
  return new Map([
    [`${prefix}classifier.weight`, randomTensor(random, [classes, width], 0.5)],
    [`${prefix}classifier.bias`, randomTensor(random, [classes], 0.5)],
  ]);
}

function headConfig({ name, classes = 2 }: TinyExpert): object {
  const labels = Array.from({ length: classes }, (_, i): [string, string] => [String(i), `${name}-${i}`]);
  return { id2label: Object.fromEntries(labels), problem_type: classes === 1 ? 'regression' : 'single_label_classification' };
}

function widthOf(base: Weights): number {
  return base.get('pooler.dense.bias')?.data.length ?? 0;
}

function randomTensor(random: Random, shape: readonly number[], deviation: number, mean = 0): FloatTensor {
  return floatTensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => mean + deviation * random.normal()),
  );
}

async function writeModel(folder: string, file: string, tensors: Weights, dtype: 'F32' | 'F16' | 'BF16'): Promise<void> {
  await mkdir(folder, { recursive: true });
  const entries = [...tensors].map(([name, { shape, data }]) => ({ name, dtype, shape, data: () => storeFloats(data, dtype) }));
  await writeFile(join(folder, file), writeSafetensors(entries, { format: 'pt' }));
}

async function writeJson(folder: string, file: string, value: object): Promise<void> {
  await writeFile(join(folder, file), JSON.stringify(value));
}

/** An uncased WordPiece tokenizer whose vocabulary spells every lower-case word. */
async function writeTokenizer(folder: string): Promise<void> {
  const id = (token: string): number => VOCABULARY.indexOf(token);
  const special = (token: string, type: number): object => ({ SpecialToken: { id: token, type_id: type } });
  const sequence = (name: string, type: number): object => ({ Sequence: { id: name, type_id: type } });
  await writeJson(folder, 'tokenizer.json', {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content) => ({
      id: id(content),
      special: true,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0)],
      pair: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0), sequence('B', 1), special('[SEP]', 1)],
      special_tokens: Object.fromEntries(['[CLS]', '[SEP]'].map((token) => [token, { id: token, ids: [id(token)], tokens: [token] }])),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(VOCABULARY.map((token, i) => [token, i])),
    },
  });
  await writeJson(folder, 'tokenizer_config.json', {
    tokenizer_class: 'BertTokenizer',
    do_lower_case: true,
    model_max_length: SIZES.max_position_embeddings,
  });
}

// ONNX for a plain onnxruntime: the origin's own graph with every expert and the mix as an input, or one mix folded into plain weights.

import { TwinrouteError } from '../../core/errors.ts';
import type { FloatTensor } from '../../core/tensor.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { ExportedHead } from '../../contract/export-record.ts';
import { emitPlainGraph } from '../../model/onnx-emitter.ts';
import { packGraph } from '../../model/pack-graph.ts';
import { openPackWeights } from '../../model/pack-weights.ts';
import { writeTokenizer } from './checkpoint.ts';
import { exportedHead, type ExportFormat, type ExportInput } from './format.ts';

/** The format `onnx`. */
export const onnx: ExportFormat = {
  name: 'onnx',
  summary: "the origin's graph with the mix as an input, or one mix folded into a plain model",
  takes: ['mix', 'head'],
  async write(input, files) {
    const { pack, mix, head } = input;
    if (mix === undefined && head !== undefined)
      throw new TwinrouteError('usage', '--head: expected beside --mix, got a graph that has every head', { param: 'head' });
    await files.write(
      'model.onnx',
      mix === undefined
        ? await packGraph(
            pack,
            pack.manifest.experts.map(({ name }) => name),
          )
        : await foldedGraph(input),
    );
    await writeTokenizer(files, '', pack);
    const { experts } = pack.manifest;
    const inside =
      mix === undefined ? experts : experts.filter(({ name }) => name === head?.name || mix.some((entry) => entry.expert === name));
    const heads = headsOf(mix === undefined ? experts : head === undefined ? [] : [head]);
    return {
      mix: mix ?? null,
      heads,
      experts: inside,
      dropped: {},
      usage: usageOf(heads, mix === undefined ? experts.map(({ name }) => name) : undefined, pack.manifest),
    };
  },
};

/** Cost: the folded model in f32 twice. */
async function foldedGraph({ pack, mix = [], head }: ExportInput): Promise<Uint8Array> {
  const weights = await openPackWeights(pack);
  const { architecture, config, parameters } = weights.model;
  const folded = new Map<string, FloatTensor>();
  for (const { name } of parameters) folded.set(name, await weights.folded(name, mix));
  const read = (name: string): FloatTensor => {
    const tensor = folded.get(name);
    if (tensor === undefined) throw new TwinrouteError('internal', `onnx: expected a parameter of the architecture, got ${name}`);
    return tensor;
  };
  return emitPlainGraph(architecture, config, read, head === undefined ? [] : [await (await weights.expert(head.name)).head()]);
}

function headsOf(experts: Parameters<typeof exportedHead>[0][]): ExportedHead[] {
  let first = 0;
  return experts.map((expert) => {
    const head = exportedHead(expert, first);
    first += expert.labels.length;
    return head;
  });
}

function usageOf(
  heads: readonly ExportedHead[],
  columns: readonly string[] | undefined,
  { max_tokens: maxTokens, gates }: Pick<Manifest, 'max_tokens' | 'gates'>,
): string {
  const classes = heads.reduce((sum, { labels }) => sum + labels.length, 0);
  return [
    `Opset 20 of the ONNX operators, no others; B rows of T tokens, cut to ${maxTokens} tokens by tokenizer.json's rules.`,
    '',
    '| input | type | shape | what |',
    '| --- | --- | --- | --- |',
    '| input_ids | int64 | [B, T] | token ids |',
    '| attention_mask | int64 | [B, T] | 1 for a token, 0 for padding |',
    '| token_type_ids | int64 | [B, T] | 0 for the first text, 1 for the second |',
    ...(columns === undefined || gates !== undefined
      ? []
      : [
          `| mix | float32 | [B, ${columns.length}] | weight of each expert, a row's own: ${columns.join(', ')}; zeros give the shared model |`,
        ]),
    '',
    '| output | type | shape | what |',
    '| --- | --- | --- | --- |',
    heads.length === 0
      ? '| pooled | float32 | [B, d] | what heads read |'
      : `| logits | float32 | [B, ${classes}] | before softmax; columns below |`,
    '| features | float32 | [B, d] | mean over tokens of the last hidden states |',
    ...(columns === undefined || gates === undefined
      ? []
      : [`| gates | float32 | [B, layers, ${columns.length}] | weight that each layer's gate gave each expert: ${columns.join(', ')} |`]),
    ...(heads.length === 0 ? [] : ['', '| head | columns of logits | problem | labels |', '| --- | --- | --- | --- |']),
    ...heads.map(
      ({ expert, first, labels, problem }) =>
        `| ${expert} | ${first} to ${first + labels.length - 1} | ${problem} | ${labelList(labels)} |`,
    ),
  ].join('\n');
}

/** Long lists stand in twinroute.json. */
function labelList(labels: readonly string[]): string {
  const shown = labels.slice(0, 8).map((label) => label.replaceAll('|', '\\|'));
  return labels.length > shown.length ? `${shown.join(', ')}, … (twinroute.json has all ${labels.length})` : shown.join(', ');
}

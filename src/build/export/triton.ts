// A model repository for Triton, KServe and whoever else reads that layout: the graph of the format `onnx` as version 1 of one model, and the config that
// lets the server batch requests whose mixes differ. The merge is inside the graph, so the server needs nothing of ours.
//
// Letters: B rows (implicit in the config), T tokens, E experts, P gated parts, C classes of all heads, d hidden width.

import type { ExportedHead } from '../../contract/export-record.ts';
import type { Manifest } from '../../contract/manifest.ts';
import { openArchitecture } from '../../model/registry.ts';
import type { PackFiles } from '../pack-files.ts';
import type { ExportFormat, ExportInput } from './format.ts';
import { onnx } from './onnx.ts';

/** Largest batch that the server makes, as the origin's. */
const MAX_BATCH = 32;
/** How long a request waits for company; the origin's default, too. */
const QUEUE_DELAY_MICROSECONDS = 2000;

/** The format `triton`. */
export const triton: ExportFormat = {
  name: 'triton',
  summary: 'a model repository for Triton and KServe, the mix as an input or folded in',
  takes: onnx.takes,
  async write(input, files) {
    const { name } = input.pack.manifest;
    const outcome = await onnx.write(input, {
      ...files,
      // The server wants versions in folders; the tokenizer lies beside them, where it looks for nothing.
      write: (file, content) => files.write(file === 'model.onnx' ? `${name}/1/${file}` : `${name}/${file}`, content),
    } satisfies PackFiles);
    await files.write(`${name}/config.pbtxt`, modelConfig(input, outcome.heads, outcome.mix === null));
    return { ...outcome, usage: `${repositoryUsage(input.pack.manifest, outcome.mix === null)}\n\n${outcome.usage}` };
  },
};

/** The server's config in protobuf's text form. */
function modelConfig({ pack }: ExportInput, heads: readonly ExportedHead[], open: boolean): string {
  const { name, architecture, experts, gates } = pack.manifest;
  const model = openArchitecture(architecture.type, architecture.config);
  const parts = model.architecture.parts(model.config).length;
  const classes = heads.reduce((sum, { labels }) => sum + labels.length, 0);
  const isGated = open && gates !== undefined;
  const inputs = [
    ...['input_ids', 'attention_mask', 'token_type_ids'].map((input) => tensor(input, 'TYPE_INT64', [-1])),
    ...(open && !isGated ? [tensor('mix', 'TYPE_FP32', [experts.length])] : []),
  ];
  const outputs = [
    classes === 0 ? tensor('pooled', 'TYPE_FP32', [model.width]) : tensor('logits', 'TYPE_FP32', [classes]),
    ...(isGated ? [tensor('gates', 'TYPE_FP32', [parts, experts.length])] : []),
    tensor('features', 'TYPE_FP32', [model.width]),
  ];
  return [
    `name: ${JSON.stringify(name)}`,
    'backend: "onnxruntime"',
    `max_batch_size: ${MAX_BATCH}`,
    ...inputs.map((text) => `input ${text}`),
    ...outputs.map((text) => `output ${text}`),
    `dynamic_batching { max_queue_delay_microseconds: ${QUEUE_DELAY_MICROSECONDS} }`,
    '',
  ].join('\n');
}

function tensor(name: string, type: string, dims: readonly number[]): string {
  return `{ name: ${JSON.stringify(name)} data_type: ${type} dims: [ ${dims.join(', ')} ] }`;
}

function repositoryUsage({ name, config }: Manifest, open: boolean): string {
  const endpoint = { id: 'triton', engine: 'triton', url: 'http://127.0.0.1:8000', experts: '*', configs: [config] };
  return [
    `This folder is a model repository: \`tritonserver --model-repository=.\` serves the model \`${name}\`; for KServe, put it where \`storageUri\` points.`,
    'The config names no device: the server takes a GPU where it has one. Requests are batched with those of the same length, so pad to a few lengths (16, 32, 64, …) with zeros under a zero mask: answers do not depend on padding.',
    `Texts become ids by \`${name}/tokenizer.json\`.`,
    ...(open ? [`Twinroute's edge asks this server itself, with this among its ENDPOINTS: \`${JSON.stringify(endpoint)}\`.`] : []),
  ].join(' ');
}

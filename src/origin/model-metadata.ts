// Tensors of the served models, as metadata tells them and as requests are held against them.

import type { OipModelMetadata, OipTensorMetadata } from '../contract/oip.ts';
import type { ServedModel } from './model-table.ts';
import type { Predictor } from './predictor.ts';

/** Inputs that a model takes. The mix, the heads and the second text may be left out. */
export function inputsOf({ reads, predictor }: ServedModel): readonly OipTensorMetadata[] {
  const own: readonly OipTensorMetadata[] =
    reads === 'text'
      ? [
          { name: 'text', datatype: 'BYTES', shape: [-1] },
          { name: 'text_pair', datatype: 'BYTES', shape: [-1] },
        ]
      : ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => ({ name, datatype: 'INT64', shape: [-1, -1] }));
  return [
    ...own,
    { name: 'mix', datatype: 'FP32', shape: [-1, predictor.experts.length] },
    { name: 'head', datatype: 'BYTES', shape: [-1] },
  ];
}

/** Outputs that a model gives; `gates` from a model with gates, the last two only when it was asked to route. */
export function outputsOf({ predictor }: ServedModel): readonly OipTensorMetadata[] {
  const routed: readonly OipTensorMetadata[] = ['mix', 'router_scores'].map((name) => ({
    name,
    datatype: 'FP32',
    shape: [-1, predictor.experts.length],
  }));
  return [
    { name: 'logits', datatype: 'FP32', shape: [-1, widestHead(predictor)] },
    { name: 'classes', datatype: 'INT32', shape: [-1] },
    { name: 'label', datatype: 'BYTES', shape: [-1] },
    { name: 'head', datatype: 'BYTES', shape: [-1] },
    { name: 'tokens', datatype: 'INT32', shape: [-1] },
    { name: 'truncated', datatype: 'BOOL', shape: [-1] },
    ...(predictor.gated === undefined ? [] : [{ name: 'gates', datatype: 'FP32', shape: [-1, predictor.gated.length] } as const]),
    ...(predictor.route === undefined ? [] : routed),
  ];
}

/** Answer of `GET /v2/models/{m}`. */
export function metadataOf(model: ServedModel, versions: readonly string[]): OipModelMetadata {
  const { predictor } = model;
  return {
    name: model.name,
    versions,
    platform: 'onnx_onnxv1',
    inputs: inputsOf(model),
    outputs: outputsOf(model),
    parameters: {
      experts: predictor.experts.map((expert) => expert.name).join(','),
      max_tokens: predictor.maxTokens,
      route: predictor.route !== undefined,
      ...(predictor.gated !== undefined && { gates: predictor.gated.join(','), mix: 'chooses the head; gates weigh the experts' }),
    },
  };
}

/** Classes of the largest head: the width of `logits`. */
export function widestHead({ experts }: Predictor): number {
  return Math.max(...experts.map((expert) => expert.labels.length));
}

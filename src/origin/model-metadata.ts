// Tensors of the served models, as metadata tells them and as requests are held against them.

import type { DeviceChoice } from '../host/devices/select-device.ts';
import type { OipModelConfig, OipModelMetadata, OipTensorMetadata } from '../contract/oip.ts';
import { modelConfig } from '../formats/oip/model-config.ts';
import { answerOutputs, choiceInputs, PLATFORM, TEXT_INPUTS } from '../formats/oip/model.ts';
import type { ServedModel } from './model-table.ts';

/** Inputs of a model that reads token ids, all needed. */
export const TOKEN_INPUTS: readonly string[] = ['input_ids', 'attention_mask', 'token_type_ids'];

/** Inputs that a model takes. The mix, the heads and the second text may be left out. */
export function inputsOf({ reads, predictor }: ServedModel): readonly OipTensorMetadata[] {
  const ids = TOKEN_INPUTS.map((name): OipTensorMetadata => ({ name, datatype: 'INT64', shape: [-1, -1] }));
  return [...(reads === 'text' ? TEXT_INPUTS : ids), ...choiceInputs(predictor.experts.length)];
}

/** Outputs that a model gives; `gates` from a model with gates, the last two only when it was asked to route. */
export function outputsOf({ predictor }: ServedModel): readonly OipTensorMetadata[] {
  const routed: readonly OipTensorMetadata[] = ['mix', 'router_scores'].map((name) => ({
    name,
    datatype: 'FP32',
    shape: [-1, predictor.experts.length],
  }));
  return [
    ...answerOutputs(predictor.experts),
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
    platform: PLATFORM,
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

/** Answer of `GET /v2/models/{m}/config`. */
export function configOf(model: ServedModel, versions: readonly string[], device?: DeviceChoice): OipModelConfig {
  const config = modelConfig(metadataOf(model, versions), model.reads === 'text' ? ['text'] : TOKEN_INPUTS);
  if (device === undefined) return config;
  return {
    ...config,
    instance_group: [{ kind: device.kind === 'gpu' ? 'KIND_GPU' : 'KIND_CPU', count: model.predictor.instances ?? 1 }],
    parameters: { device: { string_value: device.name }, dtype: { string_value: device.precision } },
  };
}

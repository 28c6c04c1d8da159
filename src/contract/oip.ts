// Open Inference Protocol v2 as the origin speaks it: bodies, header names, limits and tensor names. `data` stays unknown here: flat or
// nested, it is held against its shape by whoever reads the tensor, so that no schema walks a million numbers.
// Source: Open Inference Protocol v2 (KServe) and Triton's binary tensor data extension.

import * as z from 'zod/mini';
import { Count, Name } from './names.ts';

/** Header: bytes of JSON in front of the raw tensors. */
export const JSON_LENGTH_HEADER = 'inference-header-content-length';
/** Header: what is left of the caller's time, in whole milliseconds. */
export const DEADLINE_HEADER = 'x-request-deadline-ms';
/** Header: the request's id, in both directions. */
export const REQUEST_ID_HEADER = 'x-request-id';
/** Header of an error under /v2: its literal code of core/errors.ts. */
export const ERROR_CODE_HEADER = 'x-error-code';

/** Limits of an inference request, with reasons. */
export const OIP_LIMITS = {
  /** Whole body: 256 rows of 512 ids as JSON, three tensors of them, fit twice. */
  bodyBytes: 8 << 20,
  /** Rows of a request: eight full batches; a longer list belongs into several requests. */
  rows: 256,
  /** One text in UTF-16 units, as at the edge. */
  textChars: 100_000,
  /** Brackets inside brackets: a tensor of rows needs five. */
  jsonDepth: 16,
  /** Tensors of a request; no model takes more than five. */
  tensors: 16,
} as const;

/** Parts of the protocol beyond its core that origins and the edge speak: Triton's binary tensors, configuration and index, and our mixes and routing. */
export const OIP_EXTENSIONS = [
  'binary_tensor_data',
  'model_configuration',
  'model_repository(index)',
  'twinroute_mix',
  'twinroute_routing',
] as const;

/** Suffix of the model that takes token ids instead of text. */
export const TOKENS_SUFFIX = '.tokens';

/** Element types of the protocol. */
export const OipDatatype = z.enum([
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BF16',
  'BYTES',
]);
export type OipDatatype = z.infer<typeof OipDatatype>;

/** Parameters of a request, a tensor or an answer. */
export const OipParameters = z.record(z.string().check(z.maxLength(256)), z.union([z.string(), z.number(), z.boolean()]));
export type OipParameters = z.infer<typeof OipParameters>;

const Shape = z.array(Count).check(z.minLength(1), z.maxLength(8));

/** A tensor of a request: `data`, or `parameters.binary_data_size` bytes behind the JSON. */
export const OipInput = z.strictObject({
  name: z.string(),
  shape: Shape,
  datatype: OipDatatype,
  parameters: z.optional(OipParameters),
  data: z.optional(z.unknown()),
});
export type OipInput = z.infer<typeof OipInput>;

/** Body of `POST /v2/models/{m}/infer`. */
export const OipRequest = z.strictObject({
  id: z.optional(z.string().check(z.maxLength(256))),
  parameters: z.optional(OipParameters),
  inputs: z.array(OipInput).check(z.minLength(1), z.maxLength(OIP_LIMITS.tensors)),
  /** The wanted outputs; all of them otherwise. */
  outputs: z.optional(
    z.array(z.strictObject({ name: z.string(), parameters: z.optional(OipParameters) })).check(z.maxLength(OIP_LIMITS.tensors)),
  ),
});
export type OipRequest = z.infer<typeof OipRequest>;

/** A tensor of an answer, `data` flat and row-major; its elements are for whoever reads it. */
export const OipOutput = z.object({
  name: z.string(),
  shape: Shape,
  datatype: OipDatatype,
  parameters: z.optional(OipParameters),
  data: z.optional(z.array(z.union([z.number(), z.string(), z.boolean()]))),
});
export type OipOutput = z.infer<typeof OipOutput>;

/** Answer of `…/infer`. Open for fields of other servers. */
export const OipResponse = z.object({
  model_name: z.string(),
  model_version: z.optional(z.string()),
  id: z.optional(z.string()),
  parameters: z.optional(OipParameters),
  outputs: z.array(OipOutput),
});
export type OipResponse = z.infer<typeof OipResponse>;

/** A tensor as metadata tells it; −1 is a free extent. */
export const OipTensorMetadata = z.strictObject({
  name: z.string(),
  datatype: OipDatatype,
  shape: z.readonly(z.array(z.int().check(z.minimum(-1)))),
});
export type OipTensorMetadata = z.infer<typeof OipTensorMetadata>;

/** Answer of `GET /v2/models/{m}`. */
export const OipModelMetadata = z.strictObject({
  name: z.string(),
  versions: z.readonly(z.array(z.string())),
  platform: z.string(),
  inputs: z.readonly(z.array(OipTensorMetadata)),
  outputs: z.readonly(z.array(OipTensorMetadata)),
  /** `experts`: the columns of a mix, comma-separated; `route`: whether mixes can be left to the server; `max_tokens`, where it is known. */
  parameters: OipParameters,
});
export type OipModelMetadata = z.infer<typeof OipModelMetadata>;

const ConfigTensor = { name: z.string(), data_type: z.string(), dims: z.array(z.int()) };

/** Answer of `GET /v2/models/{m}/config`, in Triton's words. */
export const OipModelConfig = z.strictObject({
  name: z.string(),
  platform: z.string(),
  backend: z.string(),
  max_batch_size: Count,
  input: z.array(z.strictObject({ ...ConfigTensor, optional: z.boolean() })),
  output: z.array(z.strictObject(ConfigTensor)),
  /** Of origins: what the model runs on. */
  instance_group: z.optional(z.array(z.strictObject({ kind: z.enum(['KIND_CPU', 'KIND_GPU']), count: Count }))),
  /** Of origins: `device` and `dtype`. */
  parameters: z.optional(z.record(z.string(), z.strictObject({ string_value: z.string() }))),
});
export type OipModelConfig = z.infer<typeof OipModelConfig>;

/** Answer of `GET /v2`. */
export const OipServerMetadata = z.strictObject({
  name: z.string(),
  version: z.string(),
  extensions: z.array(z.string()),
  /** Of origins: `device` and `dtype` that models run on and in, and `device_why`. */
  parameters: z.optional(OipParameters),
});
export type OipServerMetadata = z.infer<typeof OipServerMetadata>;

/** Answer of `GET /v2/health/live`. */
export const OipLive = z.strictObject({ live: z.boolean() });
export type OipLive = z.infer<typeof OipLive>;

/** Answer of `GET /v2/health/ready`, and body of its refusal. */
export const OipReady = z.strictObject({ ready: z.boolean() });
export type OipReady = z.infer<typeof OipReady>;

/** Answer of `GET /v2/models/{m}/ready`. */
export const OipModelReady = z.strictObject({ name: z.string(), ready: z.boolean() });
export type OipModelReady = z.infer<typeof OipModelReady>;

/** What a model of an index does; `reason` says why it is not ready, or why its last load failed. */
export const OipModelState = z.enum(['READY', 'LOADING', 'UNLOADING', 'UNAVAILABLE']);
export type OipModelState = z.infer<typeof OipModelState>;

/** Answer of `POST /v2/repository/index`. */
export const OipIndex = z.array(z.strictObject({ name: z.string(), version: z.string(), state: OipModelState, reason: z.string() }));
export type OipIndex = z.infer<typeof OipIndex>;

/** Body of every error under `/v2`: what clients of the protocol read. The code travels as a header. */
export const OipError = z.strictObject({ error: z.string() });
export type OipError = z.infer<typeof OipError>;

/** Whether the path is one of the protocol. */
export function isOipPath(path: string): boolean {
  return path === '/v2' || path.startsWith('/v2/');
}

/** The `experts` parameter: names separated by commas. */
export const ExpertList = z.array(Name).check(z.minLength(1), z.maxLength(10_000));

/** Body of `POST /v2/repository/index`. */
export const OipIndexRequest = z.strictObject({ ready: z.optional(z.boolean()) });

/** Body of `POST /v2/repository/models/{m}/load` and `…/unload`. Triton's other parameters (a config, files) are refused. */
export const OipLoadRequest = z.strictObject({
  parameters: z.optional(
    z.looseObject({
      /** Ours: names of single experts, separated by commas, instead of the whole model. */
      experts: z.optional(z.string().check(z.maxLength(1 << 20))),
    }),
  ),
});

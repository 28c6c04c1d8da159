// A model's configuration as Triton's clients ask for it, made of its metadata.
// Source: Triton's model configuration (model_config.proto), as its HTTP endpoint `…/config` writes it.

import type { OipDatatype, OipModelConfig, OipModelMetadata, OipTensorMetadata } from '../../contract/oip.ts';

/** Triton's names of our datatypes, where they are not `TYPE_` and ours. */
const TYPE_NAMES: Partial<Record<OipDatatype, string>> = { BYTES: 'TYPE_STRING' };

/**
 * Answer of `GET /v2/models/{m}/config`. Rows are the first extent of every tensor and its shape says so: Triton's implicit batch dimension
 * (`max_batch_size` above 0) could not describe a tensor that has no other.
 * @param required names of the inputs that every request needs
 */
export function modelConfig({ name, platform, inputs, outputs }: OipModelMetadata, required: readonly string[]): OipModelConfig {
  return {
    name,
    platform,
    backend: 'twinroute',
    max_batch_size: 0,
    input: inputs.map((tensor) => ({ ...describe(tensor), optional: !required.includes(tensor.name) })),
    output: outputs.map(describe),
  };
}

function describe({ name, datatype, shape }: OipTensorMetadata): OipModelConfig['output'][number] {
  return { name, data_type: TYPE_NAMES[datatype] ?? `TYPE_${datatype}`, dims: [...shape] };
}

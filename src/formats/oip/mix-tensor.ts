// The `mix` tensor: weights `[B, k]` over named experts, brought into the order of the model's own.

import { TwinrouteError } from '../../core/errors.ts';
import { ExpertList, type OipParameters } from '../../contract/oip.ts';
import { parseWith } from '../../contract/parse.ts';
import { readNumbers, type RawTensor } from './tensors.ts';

/** A sum of f32 weights may exceed 1 by rounding. */
const SUM_TOLERANCE = 1e-6;

/**
 * One mix per row over `experts`, `[E]` each; empty ones when no tensor came.
 *
 * The columns are named by the parameter `experts` ("cola,sst2") of the tensor or else of the request, and are the model's own experts
 * when there is none.
 * @throws {TwinrouteError} `not_found` for an expert that is not here, `invalid_request` for weights that are no mix
 */
export function readMixes(
  experts: readonly string[],
  tensor: RawTensor | undefined,
  parameters: OipParameters | undefined,
  batch: number,
): readonly Float32Array[] {
  const mixes = Array.from({ length: batch }, () => new Float32Array(experts.length));
  if (tensor === undefined) return mixes;
  const columns = columnsOf(experts, tensor.parameters?.['experts'] ?? parameters?.['experts']);
  if (tensor.shape[1] !== columns.length) throw invalid(`expected [${batch}, ${columns.length}], got [${tensor.shape.join(', ')}]`);
  const weights = readNumbers(tensor);
  for (const [row, mix] of mixes.entries()) {
    let sum = 0;
    for (const [column, expert] of columns.entries()) {
      const weight = weights[row * columns.length + column];
      if (!Number.isFinite(weight) || weight < 0)
        throw invalid(`expected finite weights of at least 0, got ${weight} for ${experts[expert]} in row ${row}`);
      sum += weight;
      mix[expert] = weight;
    }
    if (sum > 1 + SUM_TOLERANCE) throw invalid(`expected weights whose sum is at most 1, got ${sum} in row ${row}`);
  }
  return mixes;
}

/** Index of the expert that each column stands for. */
function columnsOf(experts: readonly string[], list: string | number | boolean | undefined): readonly number[] {
  if (list === undefined) return experts.map((_, index) => index);
  const names = parseWith(ExpertList, String(list).split(','), 'parameters.experts', 'invalid_request');
  if (new Set(names).size !== names.length)
    throw new TwinrouteError('invalid_request', 'parameters.experts: expected each expert once', { param: 'experts' });
  return names.map((name) => {
    const index = experts.indexOf(name);
    if (index >= 0) return index;
    throw new TwinrouteError('not_found', `parameters.experts: expected experts that are here, got "${name}"`, {
      param: 'experts',
    });
  });
}

function invalid(message: string): TwinrouteError {
  return new TwinrouteError('invalid_request', `inputs.mix: ${message}`, { param: 'mix' });
}

// The rows of an inference request as inputs of /v1/predict: from here on both take the same path.

import * as z from 'zod/mini';
import { HTTP_LIMITS, PredictInput } from '../../contract/http.ts';
import type { OipParameters } from '../../contract/oip.ts';
import { parseWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { DecodedRequest } from '../../formats/oip/codec.ts';
import { readMixes } from '../../formats/oip/mix-tensor.ts';
import { checkInputs } from '../../formats/oip/model.ts';
import { readHeadColumn, readTextColumns } from '../../formats/oip/texts.ts';
import { metadataOf, type ServedModel } from './served-models.ts';

/** Parameters that mean something here; `route` is what happens anyway, `timeout` is read with the deadline. Others are left alone. */
const RowParameters = z.object({
  route: z.optional(z.boolean()),
  top_k: PredictInput.shape.top_k,
  user: PredictInput.shape.user,
  cache: PredictInput.shape.cache,
});

/**
 * The rows. A row with a mix or a head is merged as it says, another one as the router says.
 * @throws {TwinrouteError} `invalid_request` or `not_found` naming the tensor or the row
 */
export function readRows(model: ServedModel, { request, tensors }: DecodedRequest): readonly PredictInput[] {
  const { route, ...parameters } = parseWith(RowParameters, request.parameters ?? {}, 'parameters', 'invalid_request');
  const batch = checkInputs(metadataOf(model).inputs, [...tensors.values()], HTTP_LIMITS.batch);
  for (const name of ['mix', 'head'])
    if (route === true && tensors.has(name))
      throw new TwinrouteError('invalid_request', `inputs.${name}: expected none when route is true`, { param: name });
  const experts = model.bundle.experts.map(({ name }) => name);
  const texts = readTextColumns(tensors, batch);
  const heads = readHeadColumn(experts, tensors, batch);
  const mixes = readMixColumn(experts, { request, tensors }, batch);
  return texts.map(({ text, pair }, row) => {
    const input = {
      ...parameters,
      text,
      text_pair: pair,
      task: heads[row],
      mix: mixes?.[row],
      config: model.config,
      // The router's scores are an output.
      explain: true,
    };
    return parseWith(PredictInput, input, `row ${row}`, 'invalid_request');
  });
}

function readMixColumn(
  experts: readonly string[],
  { request, tensors }: DecodedRequest,
  batch: number,
): readonly Readonly<Record<string, number>>[] | undefined {
  const tensor = tensors.get('mix');
  if (tensor === undefined) return undefined;
  const named: OipParameters | undefined = request.parameters;
  return readMixes(experts, tensor, named, batch).map((weights) =>
    Object.fromEntries(experts.flatMap((expert, i) => (weights[i] === 0 ? [] : [[expert, weights[i]]]))),
  );
}

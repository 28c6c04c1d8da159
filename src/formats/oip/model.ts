// The tensors of a served model, as its metadata tells them, requests are held against them, and answers hold them. Origins and the edge speak
// of the same tensors, so that a client can be pointed at either.
//
// Letters: B rows, E experts, W classes of the widest head.

import type { OipDatatype, OipInput, OipTensorMetadata } from '../../contract/oip.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { stacked, type OutputTensor } from './tensors.ts';

/** A head, as wide as it has classes; a regression has one. */
interface Head {
  readonly labels: readonly string[];
}

/** Platform of every model. */
export const PLATFORM = 'onnx_onnxv1';

/** The texts of a model that reads text. */
export const TEXT_INPUTS: readonly OipTensorMetadata[] = [
  { name: 'text', datatype: 'BYTES', shape: [-1] },
  { name: 'text_pair', datatype: 'BYTES', shape: [-1] },
];

/** What chooses experts and heads, over `experts` of them; both may be left out. */
export function choiceInputs(experts: number): readonly OipTensorMetadata[] {
  return [
    { name: 'mix', datatype: 'FP32', shape: [-1, experts] },
    { name: 'head', datatype: 'BYTES', shape: [-1] },
  ];
}

/** What every answer holds. */
export function answerOutputs(heads: readonly Head[]): readonly OipTensorMetadata[] {
  return [
    { name: 'logits', datatype: 'FP32', shape: [-1, widestHead(heads)] },
    { name: 'classes', datatype: 'INT32', shape: [-1] },
    { name: 'label', datatype: 'BYTES', shape: [-1] },
    { name: 'head', datatype: 'BYTES', shape: [-1] },
    { name: 'tokens', datatype: 'INT32', shape: [-1] },
    { name: 'truncated', datatype: 'BOOL', shape: [-1] },
  ];
}

/** Classes of the largest head: the width of `logits`. */
export function widestHead(heads: readonly Head[]): number {
  return Math.max(...heads.map((head) => head.labels.length));
}

/** One row of an answer. */
export interface AnsweredRow {
  /** The expert whose head answered. */
  readonly head: string;
  /** Its own, one per class. */
  readonly logits: ArrayLike<number>;
  /** The class with the highest logit; empty for a regression. */
  readonly label: string;
  readonly tokens: number;
  readonly truncated: boolean;
}

/** The tensors of `answerOutputs`. @param width columns of `logits`, zero behind those of a row's head */
export function answerTensors(rows: readonly AnsweredRow[], width: number): readonly OutputTensor[] {
  const shape = [rows.length];
  return [
    stacked(
      'logits',
      rows.map(({ logits }) => logits),
      width,
    ),
    { name: 'classes', datatype: 'INT32', shape, values: Int32Array.from(rows, ({ logits }) => logits.length) },
    { name: 'label', datatype: 'BYTES', shape, values: rows.map(({ label }) => label) },
    { name: 'head', datatype: 'BYTES', shape, values: rows.map(({ head }) => head) },
    { name: 'tokens', datatype: 'INT32', shape, values: Int32Array.from(rows, ({ tokens }) => tokens) },
    { name: 'truncated', datatype: 'BOOL', shape, values: rows.map(({ truncated }) => truncated) },
  ];
}

/**
 * Holds names, datatypes and shapes of a request's tensors against a model's inputs. The columns of a mix are left to whoever reads the names that
 * they stand for, and which inputs are needed to whoever reads them.
 * @returns the number of rows
 * @throws {TwinrouteError} `invalid_request`
 */
export function checkInputs(
  specs: readonly OipTensorMetadata[],
  tensors: readonly Pick<OipInput, 'name' | 'datatype' | 'shape'>[],
  maxRows: number,
): number {
  const batch = tensors[0].shape[0];
  if (batch < 1 || batch > maxRows) throw invalid('inputs', `inputs: expected 1 to ${maxRows} rows, got ${batch}`);
  for (const { name, datatype, shape } of tensors) {
    const spec = specs.find((candidate) => candidate.name === name);
    if (spec === undefined)
      throw invalid('inputs', `inputs: expected some of ${specs.map((known) => known.name).join(', ')}, got "${name.slice(0, 64)}"`);
    if (!accepts(spec.datatype, datatype)) throw invalid(name, `inputs.${name}: expected ${spec.datatype}, got ${datatype}`);
    if (shape.length !== spec.shape.length || shape[0] !== batch) {
      const wanted = [batch, ...spec.shape.slice(1)].join(', ');
      throw invalid(name, `inputs.${name}: expected [${wanted}], got [${shape.join(', ')}]`);
    }
  }
  return batch;
}

function accepts(wanted: OipDatatype, given: OipDatatype): boolean {
  return wanted === given || (wanted === 'INT64' && given === 'INT32');
}

function invalid(param: string, message: string): TwinrouteError {
  return new TwinrouteError('invalid_request', message, { param });
}

// The output layer of a sequence classifier, as Hugging Face names it: `classifier` after encoders, `score` (without bias) after decoders.

import { floatTensor } from '../core/tensor.ts';
import { HeadConfig, headMeaning } from '../contract/hf-config.ts';
import { parseWith } from '../contract/parse.ts';
import { spell } from './fit.ts';
import type { ExpertSource } from './model-source.ts';
import type { Weights } from './weights.ts';

const HEAD_NAMES = ['classifier', 'score'];

/** Stored names of a head. */
export interface HeadNames {
  readonly weight: string;
  /** undefined: zero. */
  readonly bias: string | undefined;
}

/**
 * Finds the head of `width` inputs among stored names.
 * @param prefix what stands before head names
 * @returns its names, and one line for each thing that is wrong with it
 */
export function findHead(weights: Weights, prefix: string, width: number): { head: HeadNames; misfits: string[] } {
  const modules = HEAD_NAMES.map((name) => prefix + name);
  const module = modules.find((name) => weights.names.includes(`${name}.weight`)) ?? modules[0];
  const weight = `${module}.weight`;
  if (!weights.names.includes(weight)) return { head: { weight, bias: undefined }, misfits: [`missing ${weight} [classes, ${width}]`] };
  const bias = weights.names.includes(`${module}.bias`) ? `${module}.bias` : undefined;
  const shape = weights.shape(weight);
  const misfits: string[] = [];
  if (shape.length !== 2 || shape[1] !== width || shape[0] < 1) misfits.push(`${weight} should be [classes, ${width}], is ${spell(shape)}`);
  const biasShape = bias === undefined ? undefined : weights.shape(bias);
  if (biasShape !== undefined && (biasShape.length !== 1 || biasShape[0] !== shape[0]))
    misfits.push(`${bias} should be [${shape[0]}], is ${spell(biasShape)}`);
  return { head: { weight, bias }, misfits };
}

/** Reads a head and what it answers. */
export async function readHead(
  weights: Weights,
  { weight: name, bias: biasName }: HeadNames,
  config: unknown,
  title: string,
): Promise<Pick<ExpertSource, 'head' | 'problem' | 'labels'>> {
  const weight = await weights.readFloat(name);
  const classes = weight.shape[0];
  const bias = biasName === undefined ? floatTensor([classes], new Float32Array(classes)) : await weights.readFloat(biasName);
  return {
    head: { weight, bias },
    ...headMeaning(parseWith(HeadConfig, config ?? {}, `${title}/config.json`, 'format'), classes, `${title}/config.json`),
  };
}

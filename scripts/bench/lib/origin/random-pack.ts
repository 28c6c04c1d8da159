// A pack with as many experts as wanted, of random factors, over the shared model of another one. Their files are made when they are read, so that
// they take no memory of their own.

import { createHash } from 'node:crypto';
import { createRandom } from '../../../../src/core/random.ts';
import { floatTensor, type FloatTensor } from '../../../../src/core/tensor.ts';
import type { ManifestExpert } from '../../../../src/contract/manifest.ts';
import { HEAD_BIAS, HEAD_WEIGHT } from '../../../../src/formats/expert-file.ts';
import { bytesSource } from '../../../../src/formats/memory-source.ts';
import type { Pack } from '../../../../src/formats/pack.ts';
import { encodeSafetensors } from '../../../../src/formats/safetensors-writer.ts';

const PREFIX = 'random/';

/** Spread of a factor's numbers: small enough that no answer overflows. */
const SPREAD = 0.02;

/**
 * The pack.
 * @param like gives the shared model, and tells which matrices are factored and what a head looks like
 */
export function randomPack(like: Pack, count: number, rank: number): Pack {
  const [model] = like.manifest.experts;
  const experts = Array.from({ length: count }, (_, e): ManifestExpert => ({
    ...model,
    name: `e${e}`,
    file: `${PREFIX}e${e}.safetensors`,
    format: 'fp32',
    tensors: model.tensors.map((tensor) =>
      tensor.kind === 'factored' ? { ...tensor, rank } : { ...tensor, kind: 'unchanged', rank: 0, kept_energy: 1, error: 0 },
    ),
  }));
  const width = Number(like.manifest.architecture.config['hidden_size']);
  const bytes = (file: string): Uint8Array => expertBytes(experts.find((expert) => expert.file === file) ?? experts[0], rank, width);
  return {
    ...like,
    name: `${count} random experts of rank ${rank}`,
    manifest: {
      ...like.manifest,
      name: `random-${count}-${rank}`,
      config: createHash('sha256').update(`${count} ${rank}`).digest('hex').slice(0, like.manifest.config.length),
      experts,
    },
    source: (file) => (file.startsWith(PREFIX) ? Promise.resolve(bytesSource(file, bytes(file))) : like.source(file)),
    bytes: (file) => (file.startsWith(PREFIX) ? Promise.resolve(bytes(file)) : like.bytes(file)),
  };
}

/** Bytes of an expert's factors in f32. */
export function factorBytes({ manifest }: Pack): number {
  const perExpert = manifest.experts.map(({ tensors }) =>
    tensors.reduce((sum, { kind, rank, shape: [m, n] }) => sum + (kind === 'factored' ? 4 * rank * (m + n) : 0), 0),
  );
  return perExpert.reduce((a, b) => a + b, 0);
}

function expertBytes({ name, tensors, labels }: ManifestExpert, rank: number, width: number): Uint8Array {
  const random = createRandom(rank, name);
  const numbers = (shape: readonly number[]): FloatTensor =>
    floatTensor(
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => SPREAD * (random.uniform() - 0.5)),
    );
  const file: Record<string, FloatTensor> = {
    [HEAD_WEIGHT]: numbers([labels.length, width]),
    [HEAD_BIAS]: numbers([labels.length]),
  };
  for (const {
    name: parameter,
    kind,
    shape: [m, n],
  } of tensors) {
    if (kind !== 'factored') continue;
    file[`${parameter}.u`] = numbers([m, rank]);
    file[`${parameter}.v`] = numbers([rank, n]);
  }
  return encodeSafetensors(file);
}

// A full Hugging Face sequence-classification checkpoint as an expert: every parameter of the encoder is dense.

import { TwinrouteError } from '../core/errors.ts';
import { findMisfits, matchNames, refuseMisfits, spell } from './fit.ts';
import { findHead, readHead } from './head.ts';
import type { Base, ExpertSource } from './model-source.ts';
import type { FolderSource } from './source.ts';
import { openWeights } from './weights.ts';

/** @throws {TwinrouteError} as `openExpert` */
export async function openFullExpert(folder: FolderSource, config: unknown, base: Base): Promise<ExpertSource> {
  const { parameters, prefixes, width } = base.layout;
  const weights = await openWeights(folder, 'model');
  const { stored, rest } = matchNames(
    weights.names,
    parameters.map(({ name }) => name),
    prefixes,
  );
  const { head, misfits } = findHead(weights, '', width);
  const extra = rest.filter((name) => name !== head.weight && name !== head.bias);
  refuseMisfits(folder.name, [
    ...findMisfits(parameters, stored, weights),
    ...misfits,
    ...extra.map((name) => `extra ${name} ${spell(weights.shape(name))}`),
  ]);
  return {
    name: folder.name,
    kind: 'full',
    ...(await readHead(weights, head, config, folder.name)),
    parameter(name) {
      const storedName = stored.get(name);
      if (storedName === undefined) throw new TwinrouteError('internal', `${folder.name}: expected the name of a parameter, got ${name}`);
      return { kind: 'dense', read: () => weights.readFloat(storedName) };
    },
  };
}

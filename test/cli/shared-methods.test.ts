// Packs whose shared model is made by a method that sees whole tensors.

import { afterAll, expect, test } from 'vitest';
import { Manifest } from '../../src/contract/manifest.ts';
import { parseJsonWith } from '../../src/contract/parse.ts';
import { runCli } from '../helpers/run-cli.ts';
import { buildTinyPack, makeTinyInputs, type TinyInputs } from '../helpers/tiny-pack.ts';

const inputs: TinyInputs[] = [];

async function build(shared: unknown): Promise<Manifest> {
  const made = await makeTinyInputs({ shared, rank: 16, quantize: 'none' });
  inputs.push(made);
  const { out } = await runCli('inspect', await buildTinyPack(made), '--json');
  return parseJsonWith(Manifest, out, 'inspect', 'format');
}

afterAll(async () => {
  for (const { models } of inputs) await models.remove();
});

test.each([
  ['ties', { method: 'ties', density: 0.4, lambda: 1 }, { lambda: 1, normalize: 1 }, { weight: 1, density: 0.4 }],
  ['tsv', 'tsv', { alpha: 1 }, {}],
  ['dare_ties', { method: 'dare_ties', rescale: false }, { lambda: 0.3, normalize: 0, rescale: 0 }, { weight: 1, density: 0.3 }],
])(
  '%s: the pack builds, keeps every expert at full rank, and states the method with all its parameters',
  async (name, shared, own, expert) => {
    const manifest = await build(shared);
    expect(manifest.shared.method).toBe(name);
    expect(manifest.parameters).toMatchObject({
      shared: { method: name, ...own },
      experts: { birds: expert, ships: expert, stars: expert },
    });
    const factored = manifest.experts.flatMap(({ tensors }) => tensors.filter(({ kind }) => kind === 'factored'));
    expect(factored.length).toBeGreaterThan(10);
    for (const { error, kept_energy: kept } of factored) expect([kept > 0.99999, error < 1e-4]).toEqual([true, true]);
  },
);

import { expect, test } from 'vitest';
import { aboutExpert } from '../../src/build/about-expert.ts';
import { EXAMPLE_CHARS } from '../../src/contract/edge-bundle.ts';
import type { ManifestExpert } from '../../src/contract/manifest.ts';

const tensor = (kind: 'factored' | 'whole' | 'unchanged', rank: number, kept: number) => ({
  name: 't',
  shape: [4, 4],
  kind,
  rank,
  kept_energy: kept,
  error: 0,
});
const expert = (tensors: ManifestExpert['tensors']): ManifestExpert => ({
  name: 'cola',
  kind: 'lora',
  provenance: { sha256: '0'.repeat(64), license: 'apache-2.0', source: 'somewhere' },
  problem: 'classification',
  labels: ['a', 'b'],
  file: 'experts/cola.safetensors',
  format: 'int8',
  tensors,
});

test('ranks are of factored tensors, energies of those that changed, and a long example is cut', () => {
  const tensors = [tensor('factored', 4, 0.9), tensor('factored', 8, 0.8), tensor('whole', 0, 1), tensor('unchanged', 0, 1)];
  const about = aboutExpert(expert(tensors), 1234, { expert: 'cola', text: `${'a'.repeat(EXAMPLE_CHARS - 1)}👩`, text_pair: 'b' });
  expect(about).toEqual({
    format: 'int8',
    bytes: 1234,
    ranks: { lowest: 4, highest: 8, mean: 6 },
    kept_energy: { lowest: 0.8, mean: expect.closeTo(0.9, 12) },
    license: 'apache-2.0',
    source: 'somewhere',
    example: { text: `${'a'.repeat(EXAMPLE_CHARS - 1)}\uFFFD`, text_pair: 'b' },
  });
});

test('an expert without a difference has neither ranks nor energies, a pack without samples no example', () => {
  expect(Object.keys(aboutExpert(expert([tensor('unchanged', 0, 1)]), 0, undefined))).toEqual(['format', 'bytes', 'license', 'source']);
});

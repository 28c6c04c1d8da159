import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/contract/manifest.ts';
import { decodeManifest, encodeManifest } from '../../src/formats/manifest-file.ts';
import { createSha256 } from '../../src/host/files.ts';

const SHA = 'a'.repeat(64);
const manifest: Manifest = {
  schema: 1,
  name: 'tiny',
  config: '0123456789abcdef',
  method: 'twin',
  parameters: { lambda: 0.3, rank: 16 },
  seed: 0,
  engine: 'wasm',
  producer: 'twinroute 0.1.0',
  architecture: { type: 'bert', config: { hidden_size: 16 } },
  max_tokens: 40,
  base: { sha256: SHA, license: 'apache-2.0', source: 'tests' },
  shared: { file: 'shared.safetensors', method: 'task_arithmetic', format: 'fp16' },
  experts: [
    {
      name: 'a',
      kind: 'lora',
      provenance: { sha256: SHA, license: 'unspecified', source: 'tests' },
      problem: 'classification',
      labels: ['no', 'naïve ☃'],
      file: 'experts/a.safetensors',
      format: 'int8',
      tensors: [{ name: 'w', shape: [4, 4], kind: 'factored', rank: 2, kept_energy: 0.9, error: 0.31 }],
    },
  ],
  routing: 'edge',
  tokenizer: { file: 'tokenizer.json', config_file: 'tokenizer_config.json' },
  files: { 'shared.safetensors': { sha256: SHA, bytes: 12 } },
};

test('gates read back as they were written', () => {
  const gates: Manifest['gates'] = {
    file: 'gates.safetensors',
    format: 'fp16',
    layers: 2,
    per: 'model',
    rows: { train: 80, held_back: 20 },
    loss: { start: 1.5, kept: -0.75, step: 40 },
  };
  expect(decodeManifest(encodeManifest({ ...manifest, method: 'e_wemoe', gates }, createSha256), createSha256).gates).toEqual(gates);
});

describe('manifest.json', () => {
  const bytes = encodeManifest(manifest, createSha256);

  test('reads back as what was written, to the same bytes', () => {
    const read = decodeManifest(bytes, createSha256);
    expect(read).toEqual(manifest);
    expect(encodeManifest(read, createSha256)).toEqual(bytes);
  });

  test('refuses every change of a byte', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice();
        changed[at] ^= flip;
        expect(() => decodeManifest(changed, createSha256)).toThrow(expect.objectContaining({ name: 'TwinrouteError' }));
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test.each([1, 10, bytes.length - 1])('refuses the first %i bytes alone', (length) => {
    expect(() => decodeManifest(bytes.subarray(0, length), createSha256)).toThrow(expect.objectContaining({ name: 'TwinrouteError' }));
  });

  test('refuses added white space: bytes are what is vouched for', () => {
    const longer = new Uint8Array([...bytes, 0x0a]);
    expect(() => decodeManifest(longer, createSha256)).toThrow(/the pack was changed or damaged/);
  });

  test('names what does not fit when a manifest vouches for nonsense', () => {
    const odd = { ...manifest, experts: [] };
    expect(() => decodeManifest(encodeManifest(odd, createSha256), createSha256)).toThrow(/manifest.json: experts/);
  });

  test('tells a newer schema from a broken one', () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what only a later version of the type allows
    const newer = { ...manifest, schema: 2 } as unknown as Manifest;
    expect(() => decodeManifest(encodeManifest(newer, createSha256), createSha256)).toThrow(/a newer twinroute wrote this pack/);
  });
});

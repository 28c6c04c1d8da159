import { expect, test } from 'vitest';
import { dequantise, quantise, type FactorFormat } from '../../src/core/compress/quantise.ts';
import { createRandom } from '../../src/core/random.ts';
import { floatTensor } from '../../src/core/tensor.ts';
import type { ManifestExpert } from '../../src/contract/manifest.ts';
import { loadExpert, storeDelta, storeFactors, storeFloats, type StoredTensor } from '../../src/formats/expert-file.ts';
import { bytesSource } from '../../src/formats/memory-source.ts';
import { planSafetensors } from '../../src/formats/safetensors-writer.ts';

const [M, N, RANK, WIDTH, CLASSES] = [7, 5, 3, 5, 2];

function random(label: string, length: number): Float32Array {
  const stream = createRandom(3, label);
  return Float32Array.from({ length }, () => stream.normal());
}

function fileOf(stored: readonly StoredTensor[]): Uint8Array {
  const plan = planSafetensors(stored.map(({ tensor, data }) => ({ ...tensor, data })));
  const bytes = new Uint8Array(plan.sizeBytes);
  bytes.set(plan.header);
  let offset = plan.header.length;
  for (const { data } of plan.tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

function makeExpert(format: FactorFormat) {
  const u = quantise({ rows: M, cols: RANK, data: random('u', M * RANK) }, format, 'columns');
  const v = quantise({ rows: RANK, cols: N, data: random('v', RANK * N) }, format, 'rows');
  const delta = floatTensor([M], random('delta', M));
  const head = {
    weight: floatTensor([CLASSES, WIDTH], random('weight', CLASSES * WIDTH)),
    bias: floatTensor([CLASSES], random('bias', CLASSES)),
  };
  const stored = [
    ...storeFactors('w', u, v),
    storeDelta('b', delta),
    storeFloats('head.weight', head.weight),
    storeFloats('head.bias', head.bias),
  ];
  const entry: ManifestExpert = {
    name: 'a',
    kind: 'full',
    provenance: { sha256: 'a'.repeat(64), license: '', source: '' },
    problem: 'classification',
    labels: ['no', 'yes'],
    file: 'a.safetensors',
    format,
    tensors: [
      { name: 'w', shape: [M, N], kind: 'factored', rank: RANK, kept_energy: 1, error: 0 },
      { name: 'b', shape: [M], kind: 'whole', rank: 0, kept_energy: 1, error: 0 },
      { name: 'n', shape: [M], kind: 'unchanged', rank: 0, kept_energy: 1, error: 0 },
    ],
  };
  return { u, v, delta, head, stored, entry };
}

test.each<FactorFormat>(['fp32', 'fp16', 'int8', 'int4'])('an expert stored as %s loads as what it stands for', async (format) => {
  const { u, v, delta, head, stored, entry } = makeExpert(format);
  const loaded = await loadExpert(bytesSource('a.safetensors', fileOf(stored)), entry, WIDTH);
  expect(loaded.modules.get('w')).toEqual({ kind: 'factored', u: dequantise(u), v: dequantise(v) });
  expect(loaded.modules.get('b')).toEqual({ kind: 'whole', delta });
  expect(loaded.modules.has('n')).toBe(false);
  expect(loaded.head).toEqual(head);
});

test.each([
  [
    'another rank',
    (entry: ManifestExpert) => ({ ...entry, tensors: entry.tensors.map((tensor) => ({ ...tensor, rank: RANK + 1 })) }),
    /w\.u: expected \[7, 4\], got \[7, 3\]/,
  ],
  ['another format', (entry: ManifestExpert) => ({ ...entry, format: 'fp16' as const }), /w\.u: expected F16 \(fp16\), got int8/],
  [
    'another number of classes',
    (entry: ManifestExpert) => ({ ...entry, labels: ['one'] }),
    /head\.weight: expected float32 \[1, 5\], got float32 \[2, 5\]/,
  ],
  ['a tensor that is not there', (entry: ManifestExpert) => ({ ...entry, tensors: [{ ...entry.tensors[0], name: 'x' }] }), /x\.u/],
])('refuses a file whose manifest says %s', async (_title, change, message) => {
  const { stored, entry } = makeExpert('int8');
  await expect(loadExpert(bytesSource('a.safetensors', fileOf(stored)), change(entry), WIDTH)).rejects.toThrow(message);
});

test('refuses a scale that is not finite', async () => {
  const { stored, entry } = makeExpert('int8');
  const broken = stored.map((tensor) =>
    tensor.tensor.name === 'w.v.scale' ? { ...tensor, data: new Float32Array([1, Number.NaN, 1]) } : tensor,
  );
  await expect(loadExpert(bytesSource('a.safetensors', fileOf(broken)), entry, WIDTH)).rejects.toThrow(/w\.v: expected finite values/);
});

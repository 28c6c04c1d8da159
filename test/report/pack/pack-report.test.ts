// A pack's own report on a small manifest: its numbers, its costs, and its grids.

import { describe, expect, test } from 'vitest';
import type { Assessment } from '../../../src/core/routing/calibrate.ts';
import { toHtml } from '../../../src/report/html.ts';
import { toMarkdown } from '../../../src/report/markdown.ts';
import { energyGrid } from '../../../src/report/pack/energy-grid.ts';
import { packBytes, packCost } from '../../../src/report/pack/pack-cost.ts';
import { packReport } from '../../../src/report/pack/pack-report.ts';
import { SMALL, smallManifest, TENSORS } from '../small-manifest.ts';

const tokens = 4;
const { d, inner, rank } = SMALL;

const ASSESSMENT: Assessment = {
  confusion: [
    [4, 1],
    [1, 4],
  ],
  curve: [{ rows: 10, confidence: 0.85, accuracy: 0.8 }],
};

test('bytes are told by part and add up', () => {
  expect(packBytes(smallManifest())).toEqual({
    total: 4620,
    shared: 4000,
    unified: 0,
    fade: 0,
    gates: 0,
    experts: 500,
    routers: 50,
    tokenizer: 63,
    other: 7,
  });
});

describe('packCost', () => {
  const plain = tokens * 2 * (4 * d * d + 2 * d * inner) + d * d + 2 * 2 * tokens * tokens * d;
  // Two queries and an output in the layers for every token, the pooler and a bias once.
  const module = tokens * rank * (2 * (d + d) + (d + inner)) + rank * (d + d) + d;

  test('counts every resident expert’s factors, and the fade’s', () => {
    const cost = packCost(smallManifest(), tokens);
    expect(cost.served).toBe('beside');
    expect(cost.plain).toEqual({ total: (2 * (plain + 3 * d)) / tokens, modules: 0 });
    expect(cost.alone['ships']).toEqual({ total: (2 * (plain + module + 2 * d)) / tokens, modules: (2 * module) / tokens });
    expect(cost.all).toEqual({ total: (2 * (plain + 2 * module + 5 * d)) / tokens, modules: (4 * module) / tokens });
    const fade = { file: 'fade.safetensors', format: 'int8', tensors: TENSORS };
    const faded = packCost(smallManifest({ shared: { file: 's', method: 'linear', format: 'fp32', fade } }), tokens);
    expect(faded.alone['ships'].modules).toBe((4 * module) / tokens);
    expect(faded.all.modules).toBe((6 * module) / tokens);
  });

  test('knows that masked packs merge first', () => {
    const masked = smallManifest().experts.map((expert) => ({ ...expert, format: 'bits' }));
    const cost = packCost(smallManifest({ experts: masked }), tokens);
    expect(cost.served).toBe('merged');
    expect(cost.all.modules).toBe(0);
  });
});

test('tensors make a grid of kinds by layers, with those outside the layers below', () => {
  expect(energyGrid(TENSORS)).toEqual({
    rows: ['attention.self.query', 'output.dense', 'pooler.dense'],
    layers: ['0', '1'],
    cells: [
      [TENSORS[0], TENSORS[2]],
      [TENSORS[1], undefined],
      [TENSORS[3], undefined],
    ],
  });
  expect(energyGrid([TENSORS[4]])).toBeUndefined();
  expect(energyGrid([TENSORS[3]])).toEqual({ rows: ['pooler.dense'], layers: [''], cells: [[TENSORS[3]]] });
});

describe('the report', () => {
  const report = packReport(smallManifest(), { edge: ASSESSMENT });
  const [text, page] = [toMarkdown(report), toHtml(report)];

  test('is a function of what it is given', () => {
    expect(toMarkdown(packReport(smallManifest(), { edge: ASSESSMENT }))).toBe(text);
    expect(toHtml(packReport(smallManifest(), { edge: ASSESSMENT }))).toBe(page);
  });

  test.each([
    ['bytes by part', '| 2 experts | 500 | 10.82 % |'],
    ['own scores', '0.7500 (accuracy, 20 rows)'],
    ['every tensor', '| encoder.layer.0.attention.self.query.weight | 2 · 75.43 % · 30.00 % | 2 · 75.43 % · 30.00 % |'],
    ['confusions', '| birds | 4 | 1 |'],
    ['calibration', '| 85.00 % | 80.00 % | 49.02 % to 94.33 % | 10 |'],
    ['hashes', `| router.onnx | ${'a'.repeat(64)} | 50 |`],
  ])('has %s', (_, line) => {
    expect(text).toContain(line);
    for (const cell of line.split('|').map((part) => part.trim())) expect(page).toContain(cell);
  });

  test('shows energies, confusions and calibration', () => {
    expect(page.match(/<svg /g)).toHaveLength(1 + 2 + 2);
    // Rounded down: what is not whole is not 100.
    expect(page).toContain('>99</text>');
    expect(page).not.toContain('>100</text>');
    expect(page).toContain('8 of 10 rows to their own expert');
    expect(page).toContain('a &lt;place&gt; (mit)');
  });

  test('says so when nothing was held back', () => {
    expect(toMarkdown(packReport(smallManifest(), {}))).toContain('too few examples to hold any back');
  });
});

// The report of measured packs: every number in both forms, and the front in the pictures.

import { describe, expect, test } from 'vitest';
import type { MeasuredPack, MeasuredReport } from '../../../src/contract/measured-report.ts';
import { toHtml } from '../../../src/report/html.ts';
import { toMarkdown } from '../../../src/report/markdown.ts';
import { comparisonSection } from '../../../src/report/measured/comparison-section.ts';
import { measuredReport } from '../../../src/report/measured/measured-report.ts';
import { scoreBlocks } from '../../../src/report/measured/score-section.ts';
import { smallManifest } from '../small-manifest.ts';

function measured(label: string, change: Partial<MeasuredPack> = {}): MeasuredPack {
  const flops = { total: 2_000_000, modules: 1000 };
  const summary = (mean: number): MeasuredPack['normalised']['routed'] => ({
    mean,
    worst: { task: 'ships', percent: mean - 10 },
    mean_without: mean + 1,
  });
  return {
    label,
    name: 'tiny',
    config: '0'.repeat(16),
    method: 'twin',
    bytes: { total: 4_620_000 },
    flops_per_token: {
      tokens: 7,
      plain: { total: 1_234_000, modules: 0 },
      one_expert: flops,
      all_experts: { total: 3_456_000, modules: 2 },
    },
    latency: { tokens: 7, runs: 100, p50_ms: 1.25, p95_ms: 2.75 },
    tasks: {
      birds: {
        metric: 'accuracy',
        rows: 20,
        base: 0.3112,
        individual: 0.9,
        shared: 0.5223,
        oracle: 0.8334,
        routed: 0.8001,
        routed_to_own: 0.95,
        standard_error: 1.5,
      },
      ships: {
        metric: 'macro_f1',
        rows: 21,
        base: null,
        individual: null,
        shared: 0.4445,
        oracle: 0.7556,
        routed: 0.7667,
        routed_to_own: 1,
        standard_error: null,
      },
    },
    noisiest: 'birds',
    normalised: { base: summary(33.3), shared: summary(55.5), oracle: summary(95.25), routed: summary(91.75) },
    routing: {
      accuracy: 0.975,
      truth: ['birds', 'ships'],
      answered: ['birds', 'ships'],
      confusion: [
        [19, 1],
        [0, 21],
      ],
      calibration_error: 0.0125,
      calibration: [{ rows: 41, confidence: 0.9875, accuracy: 0.975 }],
    },
    kept_energy: {},
    ...change,
  };
}

const report = (packs: MeasuredPack[]): MeasuredReport => ({
  split: 'validation',
  limit: 50,
  machine: { cpu: 'a <processor>', cores: 2, platform: 'linux x64', node: '24.0.0', load: 0.25 },
  packs,
});

describe('of one pack', () => {
  const pages = measuredReport(report([measured('tiny')]), [smallManifest()]);
  const [text, page] = [toMarkdown(pages), toHtml(pages)];

  test.each([
    ['scores', '0.3112 0.5223 0.9000 0.8334 0.8001 0.4445 0.7556 0.7667'],
    ['standard errors', '± 1.5 %'],
    ['summaries', '33.30 % 55.50 % 95.25 % 91.75 % 81.75 % 92.75 %'],
    ['routing', '97.50 % 1.25 % 19 21'],
    ['cost', '1.234 2.000 3.456 4,620,000'],
    ['latency', '1.25 2.75'],
    ['rows', 'validation 50'],
  ])('says %s', (_, numbers) => {
    for (const number of numbers.split(/ (?!%|1\.5)/)) {
      expect(text).toContain(number);
      expect(page).toContain(number);
    }
  });

  test('names the machine, escaped, and the same each time', () => {
    expect(page).toContain(
      '2 × a &lt;processor&gt;, linux x64, Node 24.0.0, onnxruntime on the CPU; its load when the measurements began was 0.25',
    );
    expect(toHtml(measuredReport(report([measured('tiny')]), [smallManifest()]))).toBe(page);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('shows the tasks whose expert is known in percent of it', () => {
    const [, plot] = scoreBlocks(measured('tiny'));
    const svg = plot.kind === 'figures' ? plot.figures[0].svg : '';
    expect(svg).toContain('birds, routed: 0.8001 accuracy, shown as 88.9');
    expect(svg).not.toContain('ships');
  });

  test('shows fractions where no expert is known', () => {
    const none = { base: null, shared: null, oracle: null, routed: null };
    const [sentence, plot] = scoreBlocks(measured('tiny', { normalised: none, noisiest: null }));
    expect(sentence.kind === 'text' && sentence.text).toContain('--experts DIR');
    const svg = plot.kind === 'figures' ? plot.figures[0].svg : '';
    expect(svg).toContain('ships, routed: 0.7667 macro_f1, shown as 0.767');
    expect(svg).not.toContain('expert itself');
  });
});

describe('of several packs', () => {
  const cheap = measured('cheap', { bytes: { total: 1e6 }, latency: { tokens: 7, runs: 100, p50_ms: 9, p95_ms: 9 } });
  const beaten = measured('beaten', { bytes: { total: 9e6 }, latency: { tokens: 7, runs: 100, p50_ms: 9.5, p95_ms: 9 } });
  const section = comparisonSection([measured('tiny'), cheap, beaten]);

  test('the front of each picture is what nothing beats in it', () => {
    const figures = section.blocks.flatMap((block) => (block.kind === 'figures' ? block.figures : []));
    const frontOf = (svg: string): string[] => [...svg.matchAll(/<circle class="front"[^>]*><title>(\w+):/g)].map(([, label]) => label);
    // All are worth the same, so that only the least dear is on the front.
    expect(figures.map(({ svg }) => frontOf(svg))).toEqual([['cheap'], ['tiny']]);
    for (const { svg } of figures) for (const label of ['tiny', 'cheap', 'beaten']) expect(svg).toContain(`>${label}</text>`);
  });

  test('every pack has sections of its own', () => {
    const text = toMarkdown(measuredReport(report([measured('tiny'), cheap]), [smallManifest(), smallManifest()]));
    expect(text).toContain('## tiny: scores');
    expect(text).toContain('## cheap: kept energy');
  });
});

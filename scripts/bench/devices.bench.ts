// A pack on a device beside the CPU in f32: how far the answers are apart, and rows a second. The command for a machine with a GPU.
//
//   node scripts/bench/devices.bench.ts [--device auto] [--dtype auto] [--pack packs/sample] [--rows 256] [--batch 32] [--json FILE]
//
// Rows are the experts' written examples, drawn by a seed, each with a mix of its own: its expert and, for every other row, a second one. Batches of --batch rows run
// once to warm up; then CPU and device take turns for three rounds, and a speed is the median. Without a GPU `--device cpu --dtype fp16` measures what half precision
// does to answers, not what it does to speed: the CPU computes halves in f32.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { withPack } from '../../src/cli/open-pack-folder.ts';
import { table } from '../../src/cli/table.ts';
import { createRandom } from '../../src/core/random.ts';
import type { Pack } from '../../src/formats/pack.ts';
import { selectDevice, type DeviceChoice } from '../../src/host/devices/select-device.ts';
import { startSessionThread } from '../../src/host/session-thread.ts';
import { loadPredictor } from '../../src/origin/load-pack.ts';
import type { Predictor, PredictorOutput, PredictorRow } from '../../src/origin/predictor.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';
import { median } from './lib/statistics.ts';

const { values: options } = parseArgs({
  options: {
    device: { type: 'string', default: 'auto' },
    dtype: { type: 'string', default: 'auto' },
    pack: { type: 'string', default: join(PACKAGE_ROOT, 'packs/sample') },
    rows: { type: 'string', default: '256' },
    batch: { type: 'string', default: '32' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});

/** A row, and whose head reads it. */
interface HeadRow extends PredictorRow {
  readonly head: number;
}

/** What this bench writes. */
export interface DevicesReport {
  readonly facts: RunFacts;
  readonly device: DeviceChoice;
  readonly rows: number;
  readonly batch: number;
  /** Of logits: the largest difference from the CPU's in f32, and their own largest magnitude. */
  readonly logits: { readonly largestDifference: number; readonly largest: number };
  /** Rows of classifications whose label is another one. */
  readonly otherLabels: number;
  readonly rowsPerSecond: { readonly device: number; readonly cpu: number };
}

function readRows(predictor: Predictor, count: number): readonly HeadRow[] {
  const random = createRandom(1);
  const { experts } = predictor;
  const texts = experts.map(({ name }) =>
    readFileSync(join(PACKAGE_ROOT, 'experts', name, 'examples.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line): { text: string; text_pair?: string } => JSON.parse(line)),
  );
  return Array.from({ length: count }, (_, i) => {
    const head = i % experts.length;
    const { text, text_pair: pair } = texts[head][random.below(texts[head].length)];
    const mix = Float32Array.from(experts, (_expert, e) => (e === head ? 1 : 0));
    if (i % 2 === 1) {
      mix[head] = 0.7;
      mix[(head + 1 + random.below(experts.length - 1)) % experts.length] = 0.3;
    }
    return { ...predictor.encode(text, pair), mix, head };
  });
}

async function run(predictor: Predictor, rows: readonly HeadRow[], batch: number): Promise<{ ms: number; outputs: PredictorOutput[] }> {
  const outputs: PredictorOutput[] = [];
  const startMs = performance.now();
  for (let at = 0; at < rows.length; at += batch) outputs.push(...(await predictor.run(rows.slice(at, at + batch))));
  return { ms: performance.now() - startMs, outputs };
}

/** How far answers are apart. */
function compare(
  { experts }: Predictor,
  rows: readonly HeadRow[],
  got: readonly PredictorOutput[],
  want: readonly PredictorOutput[],
): Pick<DevicesReport, 'logits' | 'otherLabels'> {
  let largestDifference = 0;
  let largest = 0;
  let otherLabels = 0;
  for (const [i, { head }] of rows.entries()) {
    const [a, b] = [got[i].logits(head), want[i].logits(head)];
    for (const [k, value] of b.entries()) {
      largestDifference = Math.max(largestDifference, Math.abs(a[k] - value));
      largest = Math.max(largest, Math.abs(value));
    }
    if (experts[head].problem === 'classification' && a.indexOf(Math.max(...a)) !== b.indexOf(Math.max(...b))) otherLabels += 1;
  }
  return { logits: { largestDifference, largest }, otherLabels };
}

async function bench(pack: Pack, device: DeviceChoice): Promise<DevicesReport> {
  const facts = runFacts();
  const thread = startSessionThread();
  const cpu = await loadPredictor(pack, undefined, { instances: [thread] });
  const own = await loadPredictor(pack, undefined, { instances: [thread], device });
  const batch = Number(options.batch);
  const rows = readRows(cpu, Number(options.rows));
  const { outputs: want } = await run(cpu, rows, batch);
  const { outputs: got } = await run(own, rows, batch);
  const times: { readonly device: number; readonly cpu: number }[] = [];
  for (let round = 0; round < Number(options.rounds); round++)
    times.push({ device: (await run(own, rows, batch)).ms, cpu: (await run(cpu, rows, batch)).ms });
  const speed = (of: 'device' | 'cpu'): number => (1000 * rows.length) / median(times.map((time) => time[of]));
  const differences = compare(cpu, rows, got, want);
  await own.release();
  await cpu.release();
  await thread.close();
  return { facts, device, rows: rows.length, batch, ...differences, rowsPerSecond: { device: speed('device'), cpu: speed('cpu') } };
}

const choice = await selectDevice({ device: options.device, dtype: options.dtype });
console.error(`device ${choice.name}, ${choice.precision}: ${choice.why}`);
await withPack(options.pack, async (pack) => {
  const report = await bench(pack, choice);
  publish(options.json, report, () =>
    table(
      ['device', 'dtype', 'logits differ by', 'of at most', 'other labels', 'rows/s', 'CPU, fp32, rows/s'],
      [
        [
          report.device.name,
          report.device.precision,
          report.logits.largestDifference.toPrecision(2),
          report.logits.largest.toFixed(1),
          `${report.otherLabels} of ${report.rows}`,
          report.rowsPerSecond.device.toFixed(1),
          report.rowsPerSecond.cpu.toFixed(1),
        ],
      ],
    ),
  );
});

// The origin at full speed: throughput beside one plain merged model and beside peers, latency over distinct mixes, memory, and load over HTTP.
//
//   node scripts/bench/origin.bench.ts [--parts throughput,memory,load,mixes] [--python PYTHON] [--subjects KEY,KEY] [--rows 256] [--rounds 8]
//     [--minutes 4.5] [--in-flight 128] [--threads 1] [--instances 2] [--device cpu] [--quick] [--json FILE]
//
// Throughput: every subject sits behind the origin's own batcher, batches of up to 32, and has the same rows, tokenised before the clock starts; the
// plain model and its peers choose rows by length as the origin does. Subjects take turns in a drawn order and ratios are taken within rounds. PYTHON
// has torch, transformers and peft. Load and mixes: `twinroute origin` in a process of its own and the load in another, which costs
// the machine what the report says. With --device (auto, cuda, webgpu) the origin and the plain model run there, all in f32. Texts are test rows of ../shared/data, every task alike.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../src/cli/table.ts';
import { selectDevice, type DeviceChoice } from '../../src/host/devices/select-device.ts';
import { measureMixes, type MixesFigures } from './lib/origin/distinct-mixes.ts';
import { measureLoad, type LoadFigures } from './lib/origin/load.ts';
import { measureMemory, type MemoryFigures } from './lib/origin/memory.ts';
import { withHttpLab } from './lib/origin/over-http.ts';
import { readTexts } from './lib/origin/texts.ts';
import { measureThroughput, type ThroughputFigures } from './lib/origin/throughput.ts';
import { originSection } from './lib/page/origin.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';

const TASKS = ['cola', 'sst2', 'mrpc', 'stsb', 'qnli', 'emotion', 'banking77', 'trec'];

const { values: options } = parseArgs({
  options: {
    parts: { type: 'string', default: 'throughput,memory,load,mixes' },
    python: { type: 'string' },
    subjects: { type: 'string', default: '' },
    rows: { type: 'string' },
    rounds: { type: 'string', default: '8' },
    minutes: { type: 'string', default: '4.5' },
    'in-flight': { type: 'string', default: '128' },
    threads: { type: 'string', default: '1' },
    instances: { type: 'string', default: '2' },
    device: { type: 'string', default: 'cpu' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

/** What `--json` writes; parts that were not measured are absent. */
export interface OriginReport {
  readonly facts: RunFacts;
  readonly threads: number;
  readonly instances: number;
  readonly device: DeviceChoice;
  readonly inFlight: number;
  readonly throughput?: ThroughputFigures;
  readonly memory?: MemoryFigures;
  readonly load?: LoadFigures;
  readonly mixes?: MixesFigures;
}

const facts = runFacts();
const parts = options.parts.split(',');
const { quick, python } = options;
const threads = Number(options.threads);
const instances = Number(options.instances);
const inFlight = Number(options['in-flight']);
const device = await selectDevice({ device: options.device, dtype: 'fp32' });
const texts = readTexts(TASKS);
const folder = mkdtempSync(join(tmpdir(), 'twinroute-origin-bench-'));
try {
  const throughput = parts.includes('throughput')
    ? await measureThroughput({
        threads,
        instances,
        device,
        inFlight,
        python,
        folder,
        texts,
        rows: Number(options.rows ?? (quick ? 64 : 256)),
        rounds: quick ? 2 : Number(options.rounds),
        minutes: Number(options.minutes),
        only: options.subjects.split(','),
      })
    : undefined;
  const memory = parts.includes('memory') ? await measureMemory({ threads, instances }, folder) : undefined;
  const { load, mixes } =
    parts.includes('load') || parts.includes('mixes')
      ? await withHttpLab({ threads, instances }, device, async (lab) => {
          const measured = await measureLoad(lab, texts, quick ? 4 : 15);
          const perSecond = measured.capacity.value / 2;
          return {
            load: measured,
            mixes: parts.includes('mixes')
              ? await measureMixes(lab, texts, { perSecond, seconds: quick ? 2 : 5, rounds: quick ? 1 : 2 })
              : undefined,
          };
        })
      : {};
  const report: OriginReport = {
    facts,
    threads,
    instances,
    device,
    inFlight,
    ...(throughput !== undefined && { throughput }),
    ...(memory !== undefined && { memory }),
    ...(load !== undefined && { load }),
    ...(mixes !== undefined && { mixes }),
  };
  publish(options.json, report, () =>
    table(
      ['what', 'target', 'measured'],
      originSection(report).lines.map(({ what, target = '', measured }) => [what, target, measured]),
    ),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

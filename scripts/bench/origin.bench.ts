// Throughput of an origin whose every request wants another mix, beside one plain merged model in the same onnxruntime.
//
//   node scripts/bench/origin.bench.ts [--pack packs/sample] [--rows 512] [--in-flight 128] [--rounds 5] [--threads 2] [--json FILE]
//
// Every case sits behind the origin's own batcher, batches of up to 32, in this process; rows are tokenised before the clock starts. Texts are the experts'
// written examples, drawn by a seed, the same for all cases; the plain model has the same choice of rows by length. Cases take turns, round by round, and a ratio is
// the median over rounds of plain time by own time.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';
import { withPack } from '../../src/cli/open-pack-folder.ts';
import { table } from '../../src/cli/table.ts';
import { createRandom, type Random } from '../../src/core/random.ts';
import { createTokenizer } from '../../src/formats/tokenizer.ts';
import type { TokenRow } from '../../src/model/encoder-feeds.ts';
import { createBatcher } from '../../src/origin/batcher.ts';
import { systemClock } from '../../src/origin/clock.ts';
import type { EncodedRows, Encoder } from '../../src/origin/encoder.ts';
import type { PredictorRow } from '../../src/origin/predictor.ts';
import { openLab, type OriginLab } from './lib/origin-lab.ts';
import { publish, runFacts, type RunFacts } from './lib/run-facts.ts';
import { median } from './lib/statistics.ts';

const { values: options } = parseArgs({
  options: {
    pack: { type: 'string', default: join(PACKAGE_ROOT, 'packs/sample') },
    rows: { type: 'string', default: '512' },
    'in-flight': { type: 'string', default: '128' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
});

/** A way to serve, and the mixes that are asked of it. */
interface Case {
  readonly name: string;
  readonly encoder: Encoder;
  readonly experts: number;
  mix(row: number, random: Random): Float32Array;
}

/** What a case did in each round. */
interface CaseFigures {
  readonly name: string;
  readonly msPerRow: number;
  /** Median over rounds of the plain model's time by this one's. */
  readonly ratio: number;
  /** The same of CPU time, which other work on the machine disturbs less; with one thread only, since idle threads spin. */
  readonly cpuRatio: number;
  readonly rowsPerRun: number;
}

/** What this bench writes. */
export interface OriginReport {
  readonly facts: RunFacts;
  readonly inFlight: number;
  readonly threads: number;
  readonly cases: readonly CaseFigures[];
}

const oneHot = (experts: number, e: number): Float32Array => Float32Array.from({ length: experts }, (_, i) => (i === e ? 1 : 0));

function pairOf(experts: number, random: Random): Float32Array {
  const first = random.below(experts);
  const second = (first + 1 + random.below(experts - 1)) % experts;
  const share = 0.3 + 0.4 * random.uniform();
  return Float32Array.from({ length: experts }, (_, i) => (i === first ? share : i === second ? 1 - share : 0));
}

/** An expert by Zipf's law with exponent 1. */
function zipf(experts: number, random: Random): number {
  const total = Array.from({ length: experts }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b, 0);
  let rest = random.uniform() * total;
  for (let e = 0; e < experts; e++) {
    rest -= 1 / (e + 1);
    if (rest < 0) return e;
  }
  return experts - 1;
}

function casesOf(lab: OriginLab): readonly Case[] {
  const { sample, ranks } = lab;
  const top1 = (experts: number) => (row: number) => oneHot(experts, row % experts);
  return [
    { name: 'plain', encoder: lab.plain, experts: 1, mix: () => new Float32Array(1) },
    { name: 'sample pack, 8 experts, top 1', encoder: sample, experts: 8, mix: top1(8) },
    { name: 'the same, hot mixes promoted (128 MB)', encoder: lab.promoting, experts: 8, mix: top1(8) },
    { name: 'sample pack, a 2-expert mix a request', encoder: sample, experts: 8, mix: (_, random) => pairOf(8, random) },
    ...ranks.flatMap(({ rank, eight, hundred }): readonly Case[] => [
      { name: `8 experts of rank ${rank}, top 1`, encoder: eight, experts: 8, mix: top1(8) },
      { name: `8 experts of rank ${rank}, 2-expert mixes`, encoder: eight, experts: 8, mix: (_, random) => pairOf(8, random) },
      { name: `100 experts of rank ${rank}, uniform`, encoder: hundred, experts: 100, mix: (_, random) => oneHot(100, random.below(100)) },
      { name: `100 experts of rank ${rank}, Zipf`, encoder: hundred, experts: 100, mix: (_, random) => oneHot(100, zipf(100, random)) },
    ]),
  ];
}

/** Runs of a case, kept while it lasts. */
async function runCase(
  each: Case,
  rows: readonly TokenRow[],
  inFlight: number,
  seed: number,
): Promise<{ ms: number; cpuMs: number; runs: number }> {
  const random = createRandom(seed);
  const jobs = rows.map(({ ids, types }, i): PredictorRow => ({ ids, types, mix: each.mix(i, random) }));
  let runs = 0;
  const batcher = createBatcher<PredictorRow, EncodedRows>({
    run: async (batch) => {
      runs += 1;
      const encoded = await each.encoder.run(batch);
      return batch.map(() => encoded);
    },
    choose: each.encoder.choose,
    clock: systemClock,
    maxBatch: 32,
    maxDelayMs: 2,
    maxQueue: 4096,
  });
  const startCpu = process.cpuUsage();
  const startMs = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < jobs.length) await batcher.submit([jobs[next++]]);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const ms = performance.now() - startMs;
  const { user, system } = process.cpuUsage(startCpu);
  await batcher.close();
  return { ms, cpuMs: (user + system) / 1000, runs };
}

function readRows(
  path: string,
  tokenizer: ReturnType<typeof createTokenizer>,
  names: readonly string[],
  count: number,
): readonly TokenRow[] {
  const random = createRandom(1);
  const texts = names.flatMap((name) =>
    readFileSync(join(path, name, 'examples.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line): { text: string; text_pair?: string } => JSON.parse(line)),
  );
  return Array.from({ length: count }, () => {
    const { text, text_pair: pair } = texts[random.below(texts.length)];
    return tokenizer.encode(text, pair);
  });
}

await withPack(options.pack, async (pack) => {
  const { manifest } = pack;
  const threads = Number(options.threads);
  const inFlight = Number(options['in-flight']);
  const facts = runFacts();
  const tokenizer = createTokenizer(
    await pack.text(manifest.tokenizer.file),
    await pack.text(manifest.tokenizer.config_file),
    manifest.max_tokens,
  );
  const rows = readRows(
    join(PACKAGE_ROOT, 'experts'),
    tokenizer,
    manifest.experts.map(({ name }) => name),
    Number(options.rows),
  );
  const lab = await openLab(pack, threads);
  const cases = casesOf(lab).filter(({ name }) => name === 'plain' || name.includes(options.only));
  for (const each of cases) await runCase(each, rows.slice(0, 128), inFlight, 0);
  const times = cases.map(() => {
    const empty: { ms: number[]; cpuMs: number[]; runs: number } = { ms: [], cpuMs: [], runs: 0 };
    return empty;
  });
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [i, each] of cases.entries()) {
      const { ms, cpuMs, runs } = await runCase(each, rows, inFlight, round);
      times[i].ms.push(ms);
      times[i].cpuMs.push(cpuMs);
      times[i].runs += runs;
    }
  }
  const figures = cases.map(({ name }, i): CaseFigures => ({
    name,
    msPerRow: median(times[i].ms) / rows.length,
    ratio: median(times[i].ms.map((ms, round) => times[0].ms[round] / ms)),
    cpuRatio: median(times[i].cpuMs.map((ms, round) => times[0].cpuMs[round] / ms)),
    rowsPerRun: (rows.length * times[i].ms.length) / times[i].runs,
  }));
  await lab.release();
  const report: OriginReport = { facts, inFlight, threads, cases: figures };
  publish(options.json, report, () =>
    table(
      ['case', 'ms a row', 'of plain', 'by CPU time', 'rows a run'],
      figures.map(({ name, msPerRow, ratio, cpuRatio, rowsPerRun }) => [
        name,
        msPerRow.toFixed(2),
        ratio.toFixed(3),
        cpuRatio.toFixed(3),
        rowsPerRun.toFixed(1),
      ]),
    ),
  );
});

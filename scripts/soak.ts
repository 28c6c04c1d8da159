// Soak: a real origin process under mixed traffic for as long as it is told, alone and behind an edge in workerd. Every answer is held against the one that
// was given at the start, and the process is looked at each second. Prints one JSON summary; exit 0 only if the verdict is good.
//
//   node scripts/soak.ts [--pack packs/sample] [--minutes 30] [--rate 10] [--seed 1] [--samples FILE]
//
// What counts as good: docs/origin.md, "How it is proven". The load is light on purpose (about a third of a core for the sample pack): a leak shows by
// requests, not by speed.

import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { writeEdgeAssets } from '../src/build/edge-assets.ts';
import { bundleWorker } from '../src/cli/dev/bundle-worker.ts';
import { withPack } from '../src/cli/open-pack-folder.ts';
import { PACKAGE_ROOT } from '../src/cli/package-root.ts';
import { createRandom } from '../src/core/random.ts';
import type { Pack } from '../src/formats/pack.ts';
import { createSha256 } from '../src/host/files.ts';
import { runFacts } from './bench/lib/run-facts.ts';
import { startPlainEdge } from './bench/lib/plain-workerd.ts';
import { rssBytes } from './bench/lib/workerd-process.ts';
import { makeCases } from './soak/cases.ts';
import { createTally } from './soak/tally.ts';
import { chooseKind } from './soak/traffic.ts';
import { judge } from './soak/verdict.ts';
import { startWatchedOrigin, type OriginSample } from './soak/watched-origin.ts';

const { values: options } = parseArgs({
  options: {
    pack: { type: 'string', default: join(PACKAGE_ROOT, 'packs/sample') },
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    samples: { type: 'string' },
  },
});
const durationMs = Number(options.minutes) * 60_000;
const rate = Number(options.rate);
if (!(durationMs > 0 && rate > 0)) throw new Error('soak: expected --minutes and --rate above 0');

/** Room for two or three of the sample's eight experts and for two mixes of their own: both have to change all the time. */
const MEMORY = ['--expert-mb', '8', '--promote-mb', '96'];
/** The mix that is asked for most changes so often, that places change hands. */
const ERAS = 10;
/** Requests under way at the most, as a machine that is busy with other things may keep an origin from its work for seconds: what waits is not late then. */
const MOST_UNDER_WAY = 8;

const facts = runFacts();
const report = await withPack(options.pack, (pack) => soak(pack));
console.log(JSON.stringify({ facts, minutes: Number(options.minutes), rate, ...report }, null, 2));
process.exit(report.verdict.good ? 0 : 1);

async function soak(pack: Pack) {
  const origin = await startWatchedOrigin(options.pack, MEMORY);
  const work = await mkdtemp(join(tmpdir(), 'twinroute-soak-'));
  const assetsFolder = join(work, 'assets');
  await writeEdgeAssets([pack], assetsFolder, createSha256);
  const edge = await startPlainEdge(join(work, 'edge'), {
    bundle: await bundleWorker(join(work, 'worker')),
    assetsFolder,
    endpoints: [{ id: 'origin', url: origin.url, experts: '*' }],
    // On a busy machine answers take long, and that is no finding either.
    variables: { LOG_LEVEL: 'error', UPSTREAM: JSON.stringify({ request_ms: 50_000, attempt_ms: 20_000 }) },
    port: 0,
  });
  try {
    const random = createRandom(Number(options.seed), 'soak');
    const cases = await makeCases(pack, { origin: origin.url, edge: edge.url }, random);
    const tally = createTally();
    const samples: (OriginSample & { edgeRss: number })[] = [];
    const startMs = performance.now();
    origin.onSample((sample) => samples.push({ ...sample, at: performance.now() - startMs, edgeRss: rssBytes(edge.pid) }));
    const target = { origin: origin.url, edge: edge.url, cases, random, model: pack.manifest.name, era: 0 };
    const underWay = new Set<Promise<void>>();
    let nextMs = 0;
    while (nextMs < durationMs) {
      const nowMs = performance.now() - startMs;
      // Whoever was held back does not hurry afterwards.
      nextMs = Math.max(nextMs, nowMs);
      await sleep(nextMs - nowMs);
      target.era = Math.floor((nextMs / durationMs) * ERAS);
      const kind = chooseKind(random);
      while (underWay.size >= MOST_UNDER_WAY) await Promise.race(underWay);
      const asking: Promise<void> = kind
        .ask(target)
        .then(
          (outcome) => tally.count(kind.name, outcome),
          (error: unknown) => tally.fail(kind.name, String(error)),
        )
        .finally(() => underWay.delete(asking));
      underWay.add(asking);
      nextMs += (-Math.log(1 - random.uniform()) / rate) * 1000;
    }
    await Promise.all(underWay);
    if (options.samples !== undefined) writeFileSync(options.samples, JSON.stringify(samples));
    const promotions = origin.promotions();
    const complaints = [
      ...(tally.failures() > 0 ? [`${tally.failures()} requests failed`] : []),
      ...(promotions.failed > 0 ? [`${promotions.failed} mixes could not be merged`] : []),
    ];
    return { ...tally.report(), promotions, ...judge(samples, complaints, durationMs) };
  } finally {
    await edge.close();
    await origin.close();
    await rm(work, { recursive: true, force: true });
  }
}

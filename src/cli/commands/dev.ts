// `twinroute dev PACK…`: the edge in workerd and origins on this machine. Answers each pack's samples first, then serves until told to stop.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeEdgeAssets } from '../../build/edge-assets.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { Pack } from '../../formats/pack.ts';
import { openPack } from '../../formats/pack.ts';
import { generateKeySets } from '../../formats/signing/generate-keys.ts';
import { openKeyRing } from '../../formats/signing/key-ring.ts';
import { selectDevice } from '../../host/devices/select-device.ts';
import { createSha256, openFolder, type HostFolder } from '../../host/files.ts';
import { bundlePage } from '../dev/bundle-page.ts';
import { bundleWorker } from '../dev/bundle-worker.ts';
import { devKey } from '../dev/dev-key.ts';
import { devPublishKeys } from '../dev/publish-keys.ts';
import { askSample, samplesOf, type SampleAnswer } from '../dev/samples.ts';
import { readExperiments } from '../dev/read-experiments.ts';
import { openReceiptBook } from '../../origin/receipt-book.ts';
import type { Trust } from '../../origin/signed-requests.ts';
import { startEdge } from '../dev/start-edge.ts';
import { startOrigins } from '../dev/start-origins.ts';
import { openTraces } from '../open-traces.ts';
import { DEVICE_OPTIONS, deviceWish } from '../device-options.ts';
import { integerOption, listOption, textOption } from '../options.ts';
import { table } from '../table.ts';
import type { Io, Verb } from '../verb.ts';

/** The verb `dev`. */
export const dev: Verb = {
  name: 'dev',
  summary: 'edge in workerd plus origins on this machine; --once answers the samples and exits',
  usage: 'PACK… [--hold PACK] [--once] [--experiments FILE] [--port N] [--origin-port N] [--state DIR]',
  options: {
    once: { type: 'boolean', help: 'answer the samples, print them and exit; 0 only if every one was answered' },
    hold: { type: 'string', multiple: true, help: 'a pack that origins hold and the edge does not know, to try publish with' },
    experiments: { type: 'string', help: 'experiments between the packs, as JSON' },
    ...DEVICE_OPTIONS,
    port: { type: 'string', help: 'port of the edge; 8787, or 0 for a free one' },
    state: { type: 'string', help: 'folder that keeps accounts, ledgers and what is published; .cache/dev-state, or none with --once' },
    'origin-port': { type: 'string', help: 'port of the first origin, the others follow; 8801, or 0 for free ones' },
  },
  async run(positionals, values, io, json) {
    if (positionals.length === 0) throw new TwinrouteError('usage', 'expected at least one PACK, got nothing');
    const once = values['once'] === true;
    // A run that ends by itself must not fail because another one holds the usual ports.
    const port = integerOption(values, 'port', 0, 65_535) ?? (once ? 0 : 8787);
    const originPort = integerOption(values, 'origin-port', 0, 65_532) ?? (once ? 0 : 8801);
    const stateFolder = textOption(values, 'state') ?? (once ? undefined : join('.cache', 'dev-state'));
    const adminSecret = io.env['ADMIN_SECRET'];
    const work = await mkdtemp(join(tmpdir(), 'twinroute-dev-'));
    const folders: HostFolder[] = [];
    const closers: (() => Promise<void>)[] = [];
    try {
      const held: Pack[] = [];
      for (const path of [...positionals, ...listOption(values, 'hold')]) {
        const folder = await openFolder(path);
        folders.push(folder);
        held.push(await openPack(folder, createSha256));
      }
      const packs = held.slice(0, positionals.length);
      const file = textOption(values, 'experiments');
      const experiments =
        file === undefined
          ? undefined
          : await readExperiments(
              file,
              held.map(({ manifest }) => manifest.config),
            );
      const bundling = bundleWorker(join(work, 'worker'));
      bundling.catch(() => undefined); // awaited below; origins may fail first
      const device = await selectDevice(deviceWish(values));
      io.log(`device ${device.name}, ${device.precision}: ${device.why}`);
      // Keys of this run only: what is signed in production is signed here.
      const keys = await generateKeySets('hmac-sha256');
      const trust = { keys: await openKeyRing(JSON.stringify(keys.origin), 'keys of this run'), now: Date.now };
      const books = join(stateFolder ?? work, 'receipts');
      const trustOf = (id: string): Trust => ({ ...trust, book: openReceiptBook(join(books, id), { now: Date.now, log: io.log }) });
      const publishKeys = await devPublishKeys(io.env, stateFolder);
      const origins = await startOrigins(held, originPort, { trustOf, device, traces: openTraces(io.env), log: io.log });
      closers.push(origins.close);
      const assetsFolder = join(work, 'assets');
      await writeEdgeAssets(packs, assetsFolder, createSha256, await bundlePage());
      const edge = await startEdge({
        bundle: await bundling,
        assetsFolder,
        endpoints: origins.endpoints,
        stateFolder,
        variables: {
          SIGNING_KEYS: JSON.stringify(keys.edge),
          ...(experiments !== undefined && { EXPERIMENTS: experiments }),
          ...(publishKeys !== undefined && { PUBLISH_KEYS: publishKeys.edge }),
          ...edgeVariables(io.env),
        },
        port,
      });
      closers.push(edge.close);
      io.log(`edge         ${edge.url}  in workerd`);
      const key = adminSecret === undefined ? undefined : await devKey(edge.url, adminSecret);
      const answers = await answerSamples(packs, edge.url, key);
      report(answers, io, json);
      const failed = answers.filter(({ outcome }) => !outcome.ok).length;
      if (once && failed > 0)
        throw new TwinrouteError('upstream', `expected an answer to each of ${answers.length} samples, got ${answers.length - failed}`);
      if (once) return;
      const authorization = key === undefined ? '' : ` -H 'authorization: Bearer ${key}'`;
      io.log(
        `try: curl -s ${edge.url}/v1/predict${authorization} -H 'content-type: application/json' -d '{"text": "I want a refund", "explain": true}'`,
      );
      if (publishKeys?.publisher !== undefined)
        io.log(`publish: TWINROUTE_ADMIN_SECRET=… twinroute publish PACK --edge ${edge.url} --key ${publishKeys.publisher}`);
      io.log(`page: ${edge.url}/`);
      io.log('ctrl-c stops');
      const loss = await Promise.race([io.stopped(), origins.lost]);
      if (loss !== undefined) throw loss;
    } finally {
      for (const close of closers.reverse()) await close();
      await Promise.all(folders.map((folder) => folder.close()));
      await rm(work, { recursive: true, force: true });
    }
  },
};

/** What of this process's environment the Worker gets. */
const EDGE_VARIABLES = [
  'ADMIN_SECRET',
  'ENDPOINTS',
  'ENDPOINT_TOKENS',
  'UPSTREAM',
  'PRICES',
  'X402',
  'X402_TOKEN',
  'CORS_ORIGINS',
  'RELEASE_TTL_SECONDS',
  'METRICS_TOKEN',
  'OTLP',
  'OTLP_HEADERS',
  'LOG_LEVEL',
];

/** The Worker's variables that this process has too: without a root secret and X402 requests need no key and are free. */
function edgeVariables(env: Io['env']): Record<string, string> {
  const given = EDGE_VARIABLES.map((name): [string, string | undefined] => [name, env[name]]);
  // Every request would be a line between ours.
  return { LOG_LEVEL: 'warn', ...Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== undefined)) };
}

async function answerSamples(packs: readonly Pack[], url: string, key: string | undefined): Promise<readonly SampleAnswer[]> {
  const answers: SampleAnswer[] = [];
  for (const pack of packs) for (const sample of await samplesOf(pack)) answers.push(await askSample(url, sample, key));
  return answers;
}

function report(answers: readonly SampleAnswer[], io: Io, json: boolean): void {
  if (json) {
    io.out(JSON.stringify(answers));
    return;
  }
  io.out(table(['text', 'router scores', 'mix', 'endpoint', 'answer', 'ms'], answers.map(row)));
}

function row({ sample, milliseconds, outcome }: SampleAnswer): readonly string[] {
  const text = sample.text_pair === undefined ? sample.text : `${cut(sample.text, 28)} ‖ ${cut(sample.text_pair, 28)}`;
  if (!outcome.ok) return [text, '', '', '', `failed: ${outcome.message}`, milliseconds.toFixed(1)];
  const { task, label, scores, mix, explain } = outcome.prediction;
  const weights = mix.map(({ expert, weight }) => `${expert} ${weight.toFixed(2)}`).join(' + ') || 'empty';
  const router =
    explain?.router
      .slice(0, 2)
      .map(({ expert, score }) => `${expert} ${score.toFixed(2)}`)
      .join(', ') ?? '';
  const answer = label ?? Object.values(scores)[0]?.toFixed(2) ?? '';
  return [text, router, weights, explain?.endpoint ?? '', `${task}: ${answer}`, milliseconds.toFixed(1)];
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

// `twinroute origin PACK…`: serves packs by the Open Inference Protocol v2 until it is told to stop.

import { TwinrouteError } from '../../core/errors.ts';
import type { Pack } from '../../formats/pack.ts';
import { selectDevice } from '../../host/devices/select-device.ts';
import { watchLoss } from '../../host/devices/watch-loss.ts';
import { startSessionThread } from '../../host/session-thread.ts';
import { loadPredictor } from '../../origin/load-pack.ts';
import { startOrigin } from '../../origin/index.ts';
import type { Predictor } from '../../origin/predictor.ts';
import { withPacks } from '../open-pack-folder.ts';
import { openTraces } from '../open-traces.ts';
import { openTrust } from '../open-trust.ts';
import { DEVICE_OPTIONS, deviceWish } from '../device-options.ts';
import { integerOption, textOption } from '../options.ts';
import { packageVersion } from '../package-version.ts';
import type { Verb } from '../verb.ts';

/** The verb `origin`. */
export const origin: Verb = {
  name: 'origin',
  summary: 'serves packs by the Open Inference Protocol v2',
  usage: 'PACK… [--port N] [--host H] [--experts A,B] [--trust KEYFILE [--receipts DIR]]',
  options: {
    port: { type: 'string', help: 'port to listen on; 8801, or 0 for a free one' },
    host: { type: 'string', help: 'address to listen on; 127.0.0.1: an origin trusts its callers' },
    trust: { type: 'string', help: 'keys of the edges that may ask, see signing-keys; $TWINROUTE_SIGNING_KEYS, or anybody may' },
    authority: { type: 'string', help: 'host (and port) that edges call, where a proxy changes the Host header' },
    receipts: { type: 'string', help: 'folder that keeps the receipts given to edges, for reconciliation; a million of them' },
    experts: { type: 'string', help: 'names of the experts to hold, with commas between; all of each pack' },
    ...DEVICE_OPTIONS,
    threads: { type: 'string', help: "threads inside an operator; onnxruntime's choice" },
    'expert-mb': { type: 'string', help: 'megabytes of factors to keep; others are read again when they are asked for; all of them' },
    'promote-mb': { type: 'string', help: 'megabytes of weights that mixes which keep coming may have of their own; 128' },
    'cache-mb': { type: 'string', help: 'megabytes of merged weights to keep, for packs whose mixes are merged (emr); 1024' },
    'max-batch': { type: 'string', help: 'rows of a batch at most; 32' },
    'max-delay-ms': { type: 'string', help: 'how long a row waits for company at most; 2' },
    'max-queue': { type: 'string', help: 'rows that may wait before requests are refused with 429; 1024' },
    'notice-ms': {
      type: 'string',
      help: 'how long it still takes requests once told to stop, while its probes say that it is not ready; 0',
    },
    'drain-ms': { type: 'string', help: 'how long running requests may take after that; 10000' },
  },
  async run(positionals, values, io, json) {
    if (positionals.length === 0) throw new TwinrouteError('usage', 'expected at least one PACK, got nothing');
    const experts = textOption(values, 'experts')?.split(',');
    const threads = integerOption(values, 'threads', 1, 1024);
    const bytesOption = (name: string): number | undefined => {
      const megabytes = integerOption(values, name, 0, 1_000_000);
      return megabytes === undefined ? undefined : megabytes * 2 ** 20;
    };
    const encoder = {
      ...(threads !== undefined && { threads }),
      cacheBytes: bytesOption('cache-mb'),
      expertBytes: bytesOption('expert-mb'),
      promotedBytes: bytesOption('promote-mb') ?? 128 * 2 ** 20,
      log: io.log,
    };
    const limits = {
      maxBatch: integerOption(values, 'max-batch', 1, 4096) ?? 32,
      maxDelayMs: integerOption(values, 'max-delay-ms', 0, 10_000) ?? 2,
      maxQueue: integerOption(values, 'max-queue', 1, 1_000_000) ?? 1024,
      noticeMs: integerOption(values, 'notice-ms', 0, 3_600_000) ?? 0,
      drainMs: integerOption(values, 'drain-ms', 0, 3_600_000) ?? 10_000,
    };
    const address = { port: integerOption(values, 'port', 0, 65_535) ?? 8801, host: textOption(values, 'host') ?? '127.0.0.1' };
    const trust = await openTrust(values, io);
    const traces = openTraces(io.env);
    const device = await selectDevice(deviceWish(values));
    io.log(`device ${device.name}, ${device.precision}: ${device.why}`);
    const thread = startSessionThread();
    const sessions = watchLoss(thread);
    const serve = async (packs: readonly Pack[]): Promise<void> => {
      const predictors: Predictor[] = [];
      for (const pack of packs) {
        const predictor = await loadPredictor(pack, experts, { ...encoder, device, thread: sessions });
        io.log(
          `${pack.name}: ${predictor.name} version ${predictor.version}, experts ${predictor.experts.map((expert) => expert.name).join(', ')}`,
        );
        predictors.push(predictor);
      }
      const server = await startOrigin({
        predictors,
        version: packageVersion(),
        ...address,
        ...limits,
        trust,
        traces,
        device,
        log: io.log,
      });
      io.out(
        json
          ? JSON.stringify({ url: server.url, models: predictors.map(({ name, version }) => ({ name, version })) })
          : `origin at ${server.url}`,
      );
      const loss = await Promise.race([io.stopped(), sessions.lost]);
      io.log(loss === undefined ? 'origin: draining' : `origin: draining, ${loss.message}`);
      await server.close();
      if (loss !== undefined) throw loss;
    };
    try {
      await withPacks(positionals, serve);
    } finally {
      await thread.close();
    }
  },
};

// `twinroute origin PACK…`: serves packs by the Open Inference Protocol v2 until it is told to stop.

import { availableParallelism } from 'node:os';
import { TwinrouteError } from '../../core/errors.ts';
import type { EffectiveOriginConfig } from '../../contract/origin-config.ts';
import { selectDevice } from '../../host/devices/select-device.ts';
import { watchLoss } from '../../host/devices/watch-loss.ts';
import { startSessionThread } from '../../host/session-thread.ts';
import { startOrigin } from '../../origin/index.ts';
import { defaultCeiling } from '../../origin/memory/memory-ceiling.ts';
import { packFolder } from '../../origin/repository/pack-place.ts';
import { packsIn } from '../../origin/repository/packs-in.ts';
import { watchPacks } from '../../origin/repository/watch-packs.ts';
import { openTraces } from '../open-traces.ts';
import { openTrust } from '../open-trust.ts';
import { readAdminToken } from '../origin/admin-token.ts';
import { planInstances } from '../origin/plan-instances.ts';
import { describeSettings, ORIGIN_OPTIONS, readOriginSettings, settingRows } from '../origin/origin-settings.ts';
import { packageVersion } from '../package-version.ts';
import type { Io, Verb } from '../verb.ts';

/** The verb `origin`. */
export const origin: Verb = {
  name: 'origin',
  summary: 'serves packs by the Open Inference Protocol v2',
  usage: 'PACK… [--config FILE] [--port N] [--host H] [--experts A,B] [--trust KEYFILE [--receipts DIR]]',
  options: ORIGIN_OPTIONS,
  async run(positionals, values, io, json) {
    const settings = await readOriginSettings(positionals, values, io.env);
    if (values['print-config'] === true) {
      io.out(json ? JSON.stringify(settingRows(settings)) : describeSettings(settings).join('\n'));
      return;
    }
    await serve(settings.config, io, json);
  },
};

async function serve(config: EffectiveOriginConfig, io: Io, json: boolean): Promise<void> {
  const { packs = [], repository: shelf, experts } = config;
  if (packs.length === 0 && shelf === undefined)
    throw new TwinrouteError('usage', 'expected at least one PACK or a repository, got nothing');
  const { trust: keys, authority, receipts } = config;
  const trust = await openTrust({ trust: keys, authority, receipts }, io);
  const adminToken = await readAdminToken(config);
  const device = await selectDevice(config);
  io.log(`device ${device.name}, ${device.precision}: ${device.why}`);
  const { instances, threads } = planInstances(config, device, availableParallelism());
  io.log(`instances ${instances}, threads of each ${threads ?? 'as onnxruntime chooses'}`);
  const sessionThreads = Array.from({ length: instances }, startSessionThread);
  try {
    const sessions = watchLoss(sessionThreads);
    const load = {
      ...(threads !== undefined && { threads }),
      cacheBytes: bytesOf(config.cache_mb),
      expertBytes: bytesOf(config.expert_mb),
      promotedBytes: bytesOf(config.promote_mb),
      device,
      instances: sessions.threads,
      log: io.log,
    };
    const placeAt = (path: string) => packFolder(path, experts, load);
    const server = await startOrigin({
      places: {
        fixed: packs.map(placeAt),
        ...(shelf !== undefined && { discover: async () => (await packsIn(shelf)).map(placeAt) }),
      },
      adminToken,
      memoryBytes: bytesOf(config.memory_mb) ?? defaultCeiling(),
      version: packageVersion(),
      port: config.port,
      host: config.host,
      maxBatch: config.max_batch,
      maxDelayMs: config.max_delay_ms,
      maxQueue: config.max_queue,
      noticeMs: config.notice_ms,
      drainMs: config.drain_ms,
      trust,
      traces: openTraces(io.env),
      device,
      log: io.log,
    });
    const stopWatching = watchPacks(server.repository, { everyMs: config.watch_ms, onHangup: io.onHangup, log: io.log });
    const models = server.repository.index().map(({ name, version }) => ({ name, version }));
    io.out(json ? JSON.stringify({ url: server.url, models }) : `origin at ${server.url}`);
    const loss = await Promise.race([io.stopped(), sessions.lost]);
    stopWatching();
    io.log(loss === undefined ? 'origin: draining' : `origin: draining, ${loss.message}`);
    await server.close();
    if (loss !== undefined) throw loss;
  } finally {
    for (const thread of sessionThreads) await thread.close();
  }
}

function bytesOf(megabytes: number | undefined): number | undefined {
  return megabytes === undefined ? undefined : megabytes * 2 ** 20;
}

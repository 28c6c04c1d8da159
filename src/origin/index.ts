// The origin as a running server: wires the real clock, ids and sockets.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { TwinrouteError } from '../core/errors.ts';
import { OIP_LIMITS } from '../contract/oip.ts';
import { createApp } from './app.ts';
import type { BatcherLimits } from './batcher.ts';
import { systemClock } from './clock.ts';
import { createDrainGate } from './drain-gate.ts';
import { createMemoryGuard } from './memory/memory-guard.ts';
import { residentBytes } from './memory/memory-ceiling.ts';
import { createModelTable } from './model-table.ts';
import { createWatch } from './observe/watch.ts';
import type { TraceExport } from '../formats/telemetry/open-otlp.ts';
import { collectGarbage } from '../host/collect-garbage.ts';
import type { DeviceChoice } from '../host/devices/select-device.ts';
import type { Trust } from './signed-requests.ts';
import type { Predictor } from './predictor.ts';
import type { PackPlace } from './repository/pack-place.ts';
import { createRepository, type Repository } from './repository/repository.ts';
import { servePack, type ServedPack } from './served-pack.ts';

/** How to serve. */
export interface OriginOptions extends Partial<BatcherLimits> {
  /** What to serve; of two with the same name the first is the default version. The server releases them when it closes. */
  readonly predictors?: readonly Predictor[];
  /** Packs that are loaded before the server listens, and that come and go while it serves. */
  readonly places?: { readonly fixed: readonly PackPlace[]; readonly discover?: (() => Promise<readonly PackPlace[]>) | undefined };
  /** The operator's token for loading and unloading; nobody may when undefined. */
  readonly adminToken?: string | undefined;
  /** Version of this program, for `GET /v2`. */
  readonly version: string;
  /** 127.0.0.1 unless said otherwise: the origin trusts its callers, so it is not opened to a network by accident. */
  readonly host?: string;
  /** 0 (the default) takes a free one. */
  readonly port?: number;
  /** Longest time a request may take, whatever its header says; 30 s by default. */
  readonly maxDeadlineMs?: number;
  /** How long running requests may take to finish once the server refuses new ones; 10 s by default. */
  readonly drainMs?: number;
  /** How long a server that is told to close still takes requests while its probes say that it is not ready; 0 by default. */
  readonly noticeMs?: number;
  /** Memory that the process may take; without it nobody looks. Bytes. */
  readonly memoryBytes?: number | undefined;
  /** Edges that may ask; anybody when undefined. */
  readonly trust?: Trust | undefined;
  /** What the predictors run on, for metadata. */
  readonly device?: DeviceChoice | undefined;
  /** Waits for slow clients other than `SOCKET_LIMITS`. */
  readonly sockets?: Partial<typeof SOCKET_LIMITS>;
  /** Where spans of recorded traces go; nowhere when undefined. */
  readonly traces?: TraceExport | undefined;
  /** Takes one line for every defect. */
  readonly log: (line: string) => void;
}

/** A running server. */
export interface Origin {
  readonly url: string;
  readonly port: number;
  /** The packs of `places`. */
  readonly repository: Pick<Repository, 'index' | 'load' | 'unload' | 'refresh' | 'settled'>;
  /** Drains and closes, and frees the models as soon as no graph runs; the same promise however often it is called. */
  close(): Promise<void>;
}

/** Between the moment waiting requests are failed and the cut: time for their answers to leave. */
const CUT_AFTER_MS = 100;

/** A client that takes longer to send its headers, or its whole request, is cut off; node looks for such ones only so often. Milliseconds. */
const SOCKET_LIMITS = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 1_000 };

/**
 * Serves the packs until `close`.
 * @throws {TwinrouteError} `config` when two packs are the same, a limit does not fit, or the address is not to be had
 */
export async function startOrigin(options: OriginOptions): Promise<Origin> {
  const {
    predictors = [],
    places,
    adminToken,
    memoryBytes,
    version,
    host = '127.0.0.1',
    port = 0,
    maxDeadlineMs = 30_000,
    drainMs = 10_000,
    noticeMs = 0,
    trust,
    device,
    sockets,
    traces,
    log,
  } = options;
  const { maxBatch = 32, maxDelayMs = 2, maxQueue = 1024 } = options;
  if (maxQueue < OIP_LIMITS.rows)
    throw new TwinrouteError('config', `origin: expected a queue of at least ${OIP_LIMITS.rows} rows, one whole request, got ${maxQueue}`);
  const clock = systemClock;
  const gate = createDrainGate();
  const watch = createWatch({
    clock,
    epochMs: Date.now,
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    // No process waits for spans that are to leave later: what is left leaves when the server closes.
    sleep: (ms) => setTimeout(ms, undefined, { ref: false }),
    traces,
  });
  const serve = (predictor: Predictor): ServedPack => servePack(predictor, { watch, clock, maxBatch, maxDelayMs, maxQueue });
  const fixed = predictors.map(serve);
  const table = createModelTable(fixed);
  const memory =
    memoryBytes === undefined
      ? undefined
      : createMemoryGuard({
          ceilingBytes: memoryBytes,
          resident: residentBytes,
          collect: collectGarbage,
          async relieve() {
            for (const { predictor, reads } of table.models) if (reads === 'text') await predictor.relieve?.();
          },
          clock,
          log,
        });
  const repository = createRepository({
    places: places?.fixed ?? [],
    discover: places?.discover,
    table,
    fixed,
    serve,
    makeRoom: async ({ name, needs }) => memory?.makeRoom(name, needs.peakBytes),
    reloaded: watch.reloaded,
    log,
  });
  /** Once nobody is served. */
  const release = async (): Promise<void> => {
    memory?.close();
    for (const { batcher, predictor } of [...fixed, ...(await repository.close())]) {
      await batcher.close();
      await predictor.release();
    }
    await repository.settled();
  };
  try {
    await repository.start();
  } catch (error) {
    await release();
    throw error;
  }
  const app = createApp({
    table,
    repository,
    memory,
    adminToken,
    gate,
    clock,
    version,
    maxDeadlineMs,
    log,
    newId: () => crypto.randomUUID(),
    trust,
    device,
    watch,
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  /** Answers that have not left yet. */
  const leaving = new Set<Promise<unknown>>();
  const server = createServer({ ...SOCKET_LIMITS, ...sockets }, (request, response) => {
    const left = once(response, 'close').finally(() => leaving.delete(left));
    leaving.add(left);
    void listener(request, response);
  });
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    await release();
    throw new TwinrouteError('config', `origin: expected to listen on ${host}:${port}, got an error`, { cause });
  }
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;

  const close = async (): Promise<void> => {
    gate.announce();
    if (noticeMs > 0) await new Promise<void>((resolve) => void clock.after(noticeMs, resolve));
    const closed = once(server, 'close');
    const cancelCut = clock.after(drainMs + CUT_AFTER_MS, () => server.closeAllConnections());
    let cancelFail = (): void => {};
    const outOfTime = new Promise<void>((resolve) => {
      cancelFail = clock.after(drainMs, () => {
        for (const { batcher } of table.models) void batcher.close();
        resolve();
      });
    });
    // The door stays open for probes and for honest refusals until the last admitted request has its answer.
    await Promise.race([gate.drain(), outOfTime]);
    server.close();
    while (leaving.size > 0) await Promise.all(leaving);
    // What is open now has no answer to wait for; node would keep connections that never sent a request.
    server.closeAllConnections();
    await closed;
    cancelCut();
    cancelFail();
    await watch.flush();
    await release();
    trust?.book?.close();
  };
  let closing: Promise<void> | undefined;
  return { port: bound, repository, url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, close: () => (closing ??= close()) };
}

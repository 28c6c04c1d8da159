// Origins on this machine for `twinroute dev`: two that hold half of the experts each and one that holds all, so that placement has something
// to choose from.

import type { Endpoint } from '../../contract/endpoint.ts';
import type { Pack } from '../../formats/pack.ts';
import type { TwinrouteError } from '../../core/errors.ts';
import type { DeviceChoice } from '../../host/devices/select-device.ts';
import { watchLoss } from '../../host/devices/watch-loss.ts';
import { startSessionThread } from '../../host/session-thread.ts';
import type { TraceExport } from '../../formats/telemetry/open-otlp.ts';
import { loadPredictor } from '../../origin/load-pack.ts';
import { startOrigin, type Origin } from '../../origin/index.ts';
import type { Trust } from '../../origin/signed-requests.ts';
import { packageVersion } from '../package-version.ts';

/** Running origins and how an edge reaches them. */
export interface RunningOrigins {
  readonly endpoints: readonly Endpoint[];
  /** Resolves when the device is lost. */
  readonly lost: Promise<TwinrouteError>;
  close(): Promise<void>;
}

/** What all of them are started with. */
export interface OriginsOptions {
  /** Whom each answers, by its id. */
  readonly trustOf: (id: string) => Trust;
  /** What they run on. */
  readonly device: DeviceChoice;
  /** Where spans go; nowhere when undefined. */
  readonly traces?: TraceExport | undefined;
  readonly log: (line: string) => void;
}

/** An origin to start: its name, and the names of the experts that it holds of a pack. */
interface Share {
  readonly id: string;
  expertsOf(all: readonly string[]): readonly string[];
}

const SHARES: readonly Share[] = [
  { id: 'left', expertsOf: (all) => all.slice(0, Math.ceil(all.length / 2)) },
  { id: 'right', expertsOf: (all) => all.slice(Math.ceil(all.length / 2)) },
  { id: 'all', expertsOf: (all) => all },
];

/**
 * Starts the origins.
 * @param port of the first one, the others follow; 0 takes free ones
 */
export async function startOrigins(
  packs: readonly Pack[],
  port: number,
  { trustOf, device, traces, log }: OriginsOptions,
): Promise<RunningOrigins> {
  // One thread for all: they share the machine's cores anyway.
  const thread = startSessionThread();
  const sessions = watchLoss([thread]);
  const origins: Origin[] = [];
  const endpoints: Endpoint[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(origins.map((origin) => origin.close()));
    await thread.close();
  };
  try {
    for (const [i, { id, expertsOf }] of SHARES.entries()) {
      const predictors = [];
      const held = new Set<string>();
      for (const pack of packs) {
        const experts = expertsOf(pack.manifest.experts.map((expert) => expert.name));
        if (experts.length === 0) continue;
        for (const expert of experts) held.add(expert);
        predictors.push(await loadPredictor(pack, experts, { threads: 1, device, instances: sessions.threads }));
      }
      if (predictors.length === 0) continue;
      const origin = await startOrigin({
        predictors,
        version: packageVersion(),
        port: port === 0 ? 0 : port + i,
        trust: trustOf(id),
        device,
        traces,
        log,
      });
      origins.push(origin);
      endpoints.push({
        id,
        url: origin.url,
        experts: id === 'all' ? '*' : [...held],
        configs: predictors.map((predictor) => predictor.version),
      });
      log(`origin ${id.padEnd(5)} ${origin.url}  ${[...held].join(', ')}`);
    }
    return { endpoints, lost: sessions.lost, close };
  } catch (error) {
    await close();
    throw error;
  }
}

// Observation on what the deployment binds.

import { TwinrouteError } from '../../core/errors.ts';
import { openOtlp } from '../../formats/telemetry/open-otlp.ts';
import { reachOf } from '../endpoints.ts';
import type { EdgeEnv } from '../env.ts';
import { LOG_LEVELS, type LogLevel } from './log-sink.ts';
import { localMetrics } from './metrics-port.ts';
import type { ObservationOptions } from './observation.ts';
import { randomHex } from './random-hex.ts';

/** Where the edge runs. */
const PLATFORM = { 'cloud.provider': 'cloudflare', 'cloud.platform': 'cloudflare.workers' };

/** What of the world beyond the bindings is needed. */
export type World = Pick<ObservationOptions, 'now' | 'newId' | 'sleep' | 'keepAlive'> & { readonly fetch: typeof fetch };

/** @throws {TwinrouteError} `unavailable` for a variable that does not fit */
export function bindObservation(env: EdgeEnv, { fetch, ...world }: World): ObservationOptions {
  const { METRICS, OTLP, OTLP_HEADERS, ANALYTICS, LOG_LEVEL } = env;
  return {
    ...world,
    metrics: METRICS === undefined ? localMetrics(world.now) : overIsolates(METRICS),
    traces: OTLP === undefined ? undefined : openOtlp(OTLP, OTLP_HEADERS, 'twinroute-edge', PLATFORM, fetch, reachOf(env)),
    write: (level, line) => console[level](line),
    level: levelOf(LOG_LEVEL ?? 'info'),
    analytics: ANALYTICS,
    randomHex,
  };
}

/** The one object that sums; a fresh stub each time: one that failed once fails for good. */
function overIsolates(namespace: NonNullable<EdgeEnv['METRICS']>): ObservationOptions['metrics'] {
  return {
    add: (batch) => namespace.getByName('all').add(batch),
    read: () => namespace.getByName('all').read(),
  };
}

function levelOf(text: string): LogLevel {
  const level = LOG_LEVELS.find((name) => name === text);
  if (level !== undefined) return level;
  throw new TwinrouteError('unavailable', `LOG_LEVEL: expected ${LOG_LEVELS.join(', ')}, got ${text.slice(0, 20)}`);
}

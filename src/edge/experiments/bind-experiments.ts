// Experiments on what a deployment binds: published in a release, in Workers KV or in a variable, measured in Durable Objects.

import type { EdgeEnv } from '../env.ts';
import type { Releases } from '../releases/port.ts';
import type { ExperimentDeps } from './experiments.ts';

/** The key under which experiments are published. */
const PUBLISHED_KEY = 'experiments';
/** The shortest that Workers KV allows. */
const KV_CACHE_SECONDS = 30;

/**
 * Where experiments are published and measured; undefined without a place for their state.
 * @param releases what a signed release says goes before anything else
 */
export function bindExperiments(
  { EXPERIMENT_STATES: states, CONFIG: config, EXPERIMENTS: variable }: Pick<EdgeEnv, 'EXPERIMENT_STATES' | 'CONFIG' | 'EXPERIMENTS'>,
  releases?: Pick<Releases, 'current' | 'edition'>,
): Pick<ExperimentDeps, 'readPublished' | 'edition' | 'storeOf'> | undefined {
  if (states === undefined) return undefined;
  return {
    async readPublished() {
      const released = (await releases?.current())?.release.experiments;
      if (released !== undefined) return JSON.stringify(released);
      return (await config?.get(PUBLISHED_KEY, { cacheTtl: KV_CACHE_SECONDS })) ?? variable;
    },
    edition: releases?.edition,
    storeOf: (design) => states.getByName(design),
  };
}

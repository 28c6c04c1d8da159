// Experiments on what a deployment binds: published in Workers KV or a variable, measured in Durable Objects.

import type { EdgeEnv } from '../env.ts';
import type { ExperimentDeps } from './experiments.ts';

/** The key under which experiments are published. */
const PUBLISHED_KEY = 'experiments';
/** The shortest that Workers KV allows. */
const KV_CACHE_SECONDS = 30;

/** Where experiments are published and measured; undefined without a place for their state. */
export function bindExperiments({
  EXPERIMENT_STATES: states,
  CONFIG: config,
  EXPERIMENTS: variable,
}: Pick<EdgeEnv, 'EXPERIMENT_STATES' | 'CONFIG' | 'EXPERIMENTS'>): Pick<ExperimentDeps, 'readPublished' | 'storeOf'> | undefined {
  if (states === undefined) return undefined;
  return {
    readPublished: async () => (await config?.get(PUBLISHED_KEY, { cacheTtl: KV_CACHE_SECONDS })) ?? variable,
    storeOf: (design) => states.getByName(design),
  };
}

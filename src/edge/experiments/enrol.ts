// Which config answers a request, by the experiments that are live.

import { assign } from '../../core/experiment/assign.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { LiveExperiment } from './live.ts';

/** Header that names an arm, as `KEY=ARM`, of an experiment that allows it. */
export const ARM_HEADER = 'x-twinroute-arm';

/** Who asks. */
export interface Caller {
  /** The request's `user`. */
  readonly user: string | undefined;
  /** Id of the caller's key; undefined where there are no keys. */
  readonly key: string | undefined;
  /** Configs that may answer the caller; undefined for all. */
  readonly configs: readonly string[] | undefined;
  /** Value of the header. */
  readonly forced: string | undefined;
}

/** A request in an experiment. */
export interface Enrolment {
  readonly live: LiveExperiment;
  /** Index of the arm that answers, the first one's where the experiment is rolled back, or `held`. */
  readonly arm: number | 'held';
  /** The config to answer with; the default one when undefined. */
  readonly config: string | undefined;
  readonly unit: string;
  /** Whether it is counted; a forced arm and a rolled-back experiment are not. */
  readonly counted: boolean;
  readonly forced: boolean;
}

/**
 * The first experiment that takes the caller.
 * @throws {TwinrouteError} `invalid_request` when the header names an arm that may not be forced
 */
export function enrol(experiments: readonly LiveExperiment[], caller: Caller): Enrolment | undefined {
  if (caller.forced !== undefined) return force(experiments, caller.forced);
  for (const live of experiments) {
    const { experiment, rule, standing, problem } = live;
    const unit = experiment.unit === 'key' ? caller.key : caller.user;
    if (unit === undefined || problem !== undefined || standing.status === 'stopped') continue;
    // All arms or none: an arm that is barred to some callers would be compared on others than the rest.
    if (experiment.arms.some(({ config }) => caller.configs?.includes(config) === false)) continue;
    const arm = assign({ ...rule, coverage: standing.coverage }, unit);
    if (arm === 'out') continue;
    const back = standing.status === 'rolled_back';
    if (arm === 'held') {
      if (back) continue;
      return { live, arm, config: undefined, unit, counted: true, forced: false };
    }
    const served = back ? 0 : arm;
    return { live, arm: served, config: experiment.arms[served].config, unit, counted: !back, forced: false };
  }
  return undefined;
}

function force(experiments: readonly LiveExperiment[], header: string): Enrolment {
  const [key, name, ...rest] = header.split('=');
  const live = experiments.find(({ experiment }) => experiment.key === key);
  const arm = live?.experiment.arms.findIndex((candidate) => candidate.name === name) ?? -1;
  if (live?.experiment.allow_forced === true && live.problem === undefined && arm >= 0 && rest.length === 0)
    return { live, arm, config: live.experiment.arms[arm].config, unit: '', counted: false, forced: true };
  throw new TwinrouteError(
    'invalid_request',
    `${ARM_HEADER}: expected EXPERIMENT=ARM of an experiment that allows it, got ${header.slice(0, 100)}`,
    { param: ARM_HEADER },
  );
}

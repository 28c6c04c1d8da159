// The experiments as an isolate knows them: what is published, and where each stands. At most 30 seconds old.

import { Experiments, type Experiment } from '../../contract/experiments.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import { messageOf, TwinrouteError } from '../../core/errors.ts';
import type { AssignmentRule } from '../../core/experiment/assign.ts';
import type { Bundles } from '../bundles.ts';
import { sha256Hex } from '../sha256.ts';
import { within } from '../within.ts';
import { refreshing } from './refreshing.ts';
import type { ExperimentStore, Standing } from './state.ts';

const FRESH_MS = 10_000;
const TRUSTED_MS = 25_000;
/** Longest wait for an experiment's state: beyond it requests go on without. What an isolate trusts is thus at most 27 s old. */
const STATE_MS = 2_000;

/** An experiment and where it stands. */
export interface LiveExperiment {
  readonly experiment: Experiment;
  /** Key and hash of what assignment and arms depend on. */
  readonly design: string;
  readonly rule: Omit<AssignmentRule, 'coverage'>;
  readonly standing: Standing;
  /** Why it enrols nobody although it is published. */
  readonly problem: string | undefined;
}

/** What knowing experiments needs. */
export interface LiveDeps {
  /** The published JSON, undefined when there is none. */
  readonly readPublished: () => Promise<string | undefined>;
  /** The release that the published JSON may come from: with another one it is read at once. */
  readonly edition?: (() => unknown) | undefined;
  readonly storeOf: (design: string) => ExperimentStore;
  readonly bundles: Bundles;
  /** Milliseconds. */
  readonly now: () => number;
  readonly keepAlive: (work: Promise<unknown>) => void;
  readonly log: (error: TwinrouteError, requestId: string) => void;
}

/** A function that gives the live experiments, by precedence. */
export function createLive(deps: LiveDeps): () => Promise<readonly LiveExperiment[]> {
  const failed = (cause: unknown): void =>
    deps.log(new TwinrouteError('unavailable', `experiments: expected to read them, got ${messageOf(cause)}`, { cause }), 'experiments');
  return refreshing<readonly LiveExperiment[]>({
    async load(last) {
      const text = await deps.readPublished();
      if (text === undefined) return [];
      const { experiments } = parseJsonWith(Experiments, text, 'experiments', 'config');
      const deployed = new Set((await deps.bundles.index()).configs.map(({ config }) => config));
      return Promise.all(experiments.map((experiment) => bringToLife(deps, experiment, deployed, last, failed)));
    },
    initial: [],
    freshMs: FRESH_MS,
    trustedMs: TRUSTED_MS,
    edition: deps.edition,
    now: deps.now,
    keepAlive: deps.keepAlive,
    failed,
  });
}

async function bringToLife(
  deps: LiveDeps,
  experiment: Experiment,
  deployed: ReadonlySet<string>,
  last: readonly LiveExperiment[],
  failed: (cause: unknown) => void,
): Promise<LiveExperiment> {
  const { key, seed, hash_version, arms, namespace, holdout, unit } = experiment;
  const rule = { key, seed, hash_version, weights: arms.map(({ weight }) => weight), namespace, holdout };
  const design = `${key}.${await shortHash(canonicalJson({ key, seed, hash_version, unit, arms, namespace }))}`;
  const missing = arms.find(({ config }) => !deployed.has(config));
  const problem = missing && `config ${missing.config} of arm ${missing.name} is not deployed`;
  try {
    const standing = await within(deps.storeOf(design).standing(experiment), STATE_MS, late);
    return { experiment, design, rule, standing, problem };
  } catch (cause) {
    failed(cause);
    // Better what was last heard than a guess; an experiment of which nothing is known enrols nobody.
    const standing = last.find((candidate) => candidate.design === design)?.standing;
    return { experiment, design, rule, standing: standing ?? { status: 'stopped', coverage: 0 }, problem };
  }
}

function late(): TwinrouteError {
  return new TwinrouteError('timeout', `experiments: expected their state within ${STATE_MS} ms, got nothing`);
}

/** The first 16 hex digits of the text's sha256. */
export async function shortHash(text: string): Promise<string> {
  return (await sha256Hex(text)).slice(0, 16);
}

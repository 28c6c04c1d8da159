// The search itself: screening, the initial configs, then batches that the optimiser suggests from all that was measured before them.
// Which configs are tried follows from the seed and the measurements alone. So a search that goes on from a journal makes the same
// suggestions again, finds them measured, and continues; and how many are measured at a time changes nothing.

import { isTwinrouteError, TwinrouteError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Observation } from '../../core/search/observation.ts';
import { promote } from '../../core/search/promote.ts';
import { pointOf, valuesOf, type Point } from '../../core/search/space.ts';
import { initialDesign, suggest } from '../../core/search/suggest.ts';
import type { JournalHead, Trial } from '../../contract/search-config.ts';
import type { Journal } from './journal.ts';
import type { Measurer } from './measurers.ts';
import { observationOf, type Objectives } from './objectives.ts';
import type { SearchFile } from './search-file.ts';

/** What a search runs on and tells. */
export interface SearchDeps {
  readonly head: JournalHead;
  readonly journal: Pick<Journal, 'trials' | 'append'>;
  readonly measurer: Pick<Measurer, 'jobs' | 'measure'>;
  readonly progress: Progress;
  /** Asked before every config; what is being measured is finished. */
  readonly isStopped: () => boolean;
}

/** How far a search came. */
export interface SearchOutcome {
  /** In the order of their numbers. */
  readonly screening: readonly Trial[];
  readonly full: readonly Trial[];
  /** Whether the budget was used, or the space. */
  readonly complete: boolean;
}

/**
 * Runs a search, or goes on with it.
 * @throws {TwinrouteError} `config` when the journal has other trials than this search would make; `numeric` when no config can be
 * merged; whatever stands in the way of measuring
 */
export async function runSearch(
  { search, space }: Pick<SearchFile, 'search' | 'space'>,
  objectives: Objectives,
  deps: SearchDeps,
): Promise<SearchOutcome> {
  const { seed, budget, screening: screened, parallel } = search;
  const initial = search.initial ?? 2 * space.length + 2;
  const observe = (trials: readonly Trial[]): Observation[] =>
    trials.flatMap((trial) => observationOf(trial, objectives, space, deps.head) ?? []);
  const screening: Trial[] = [];
  const full: Trial[] = [];
  const measure = async (stage: Trial['stage'], into: Trial[], points: readonly Point[], total: number): Promise<boolean> => {
    const trials = points.map((point, i) => ({ stage, trial: into.length + i, values: valuesOf(space, point) }));
    return measureAll(trials, stage === 'screening' ? screened?.rows : undefined, into, total, deps);
  };

  let first = initialDesign(space, { count: screened?.candidates ?? initial, seed });
  if (screened !== undefined) {
    if (!(await measure('screening', screening, first, first.length))) return { screening, full, complete: false };
    const candidates = observe(screening);
    first = promote(candidates, initial).map((i) => candidates[i].point.slice());
  }
  if (!(await measure('full', full, first.slice(0, budget), budget))) return { screening, full, complete: false };
  for (let round = 1; full.length < budget; round++) {
    const observations = observe(full);
    if (observations.length === 0)
      throw new TwinrouteError(
        'numeric',
        `search: expected a config that can be merged, got none of ${full.length}: ${full[0]?.error ?? 'none was tried'}`,
      );
    const failed = full.filter(({ measurement }) => measurement === undefined).map(({ values }) => pointOf(space, values));
    // Seeds a prime apart: processes of one round draw with seeds next to each other.
    const points = suggest(space, observations, failed, { count: Math.min(parallel, budget - full.length), seed: seed + 7919 * round });
    if (points.length === 0) break;
    if (!(await measure('full', full, points, budget))) return { screening, full, complete: false };
  }
  return { screening, full, complete: true };
}

type Untried = Pick<Trial, 'stage' | 'trial' | 'values'>;

/** Measures what the journal does not have; whether all is measured now. `into` gets the trials in order, up to the first that is missing. */
async function measureAll(
  trials: readonly Untried[],
  rows: number | undefined,
  into: Trial[],
  total: number,
  { journal, measurer, progress, isStopped }: SearchDeps,
): Promise<boolean> {
  const results: (Trial | undefined)[] = trials.map((trial) => recall(trial, journal.trials));
  const missing = Array.from(trials.keys()).filter((i) => results[i] === undefined);
  const start = into.length;
  const report = (note?: string): void =>
    progress({
      stage: trials[0]?.stage === 'screening' ? 'screening' : 'search',
      done: start + results.filter((result) => result !== undefined).length,
      total,
      ...(note !== undefined && { note }),
    });
  let failure: unknown;
  const work = async (): Promise<void> => {
    for (let i = missing.shift(); i !== undefined && failure === undefined && !isStopped(); i = missing.shift()) {
      try {
        const trial = await measureOne(trials[i], rows, measurer);
        await journal.append(trial);
        results[i] = trial;
        report(`trial ${trial.trial}`);
      } catch (error) {
        failure ??= error;
      }
    }
  };
  report();
  await Promise.all(Array.from({ length: measurer.jobs }, work));
  if (failure !== undefined) throw failure;
  for (const result of results) {
    if (result === undefined) return false;
    into.push(result);
  }
  return true;
}

/** A config whose merge has no finite numbers is a result too; any other failure is one of the search. */
async function measureOne(trial: Untried, rows: number | undefined, measurer: SearchDeps['measurer']): Promise<Trial> {
  try {
    return { ...trial, measurement: await measurer.measure(trial.values, rows) };
  } catch (error) {
    if (isTwinrouteError(error) && error.code === 'numeric') return { ...trial, error: error.message };
    throw error;
  }
}

function recall(wanted: Untried, known: readonly Trial[]): Trial | undefined {
  const found = known.find(({ stage, trial }) => stage === wanted.stage && trial === wanted.trial);
  if (found === undefined || (found.values.length === wanted.values.length && found.values.every((value, i) => value === wanted.values[i])))
    return found;
  throw new TwinrouteError(
    'config',
    `search: expected ${wanted.values.join(', ')} as ${wanted.stage} trial ${wanted.trial} of the journal, got ${found.values.join(', ')}; another version made it, so choose another --out`,
    { param: 'out' },
  );
}

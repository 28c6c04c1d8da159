// Experiments as the routes use them: a request is enrolled, answered, counted, and at times answered by a shadow too.

import type { PredictInput, Prediction } from '../../contract/http.ts';
import type {
  ExperimentHistory,
  ExperimentReport,
  ExperimentsAnswer,
  FeedbackAnswer,
  FeedbackRequest,
} from '../../contract/experiment-report.ts';
import { ERROR_CODES, messageOf, TwinrouteError } from '../../core/errors.ts';
import { bucketOf } from '../../core/experiment/bucket.ts';
import { toTwinrouteError } from '../errors.ts';
import type { Trip } from '../observe/trip.ts';
import { enrol, type Caller, type Enrolment } from './enrol.ts';
import { createLive, shortHash, type LiveDeps, type LiveExperiment } from './live.ts';
import { createRecorder, type RecorderDeps } from './recorder.ts';
import { compareAnswers } from './shadow.ts';

/** Shadows of this isolate that are under way at once; beyond it they are left out, so that callers come first. */
const SHADOWS = 2;

/** What experiments need. */
export type ExperimentDeps = LiveDeps & RecorderDeps;

/** A request, as far as experiments care. */
export interface ExperimentCall {
  readonly id: string;
  /** Whose it is. */
  readonly tenant: string;
  readonly caller: Omit<Caller, 'user'>;
  /** Whether the caller set a deadline of its own, or has gone: that time ran out is then not the config's doing. */
  readonly hurried: () => boolean;
  /** Where what happens is told. */
  readonly trip?: Trip;
}

/** Answers an input with a config. */
export type Answer = (input: PredictInput, id: string) => Promise<Prediction>;

/** Live experiments. */
export interface Experiments {
  /**
   * Answers an input by way of the experiment that it is enrolled in, if any.
   * @param answer the way to an answer
   * @param shadow the same for a shadow: nobody waits for it
   * @throws what `answer` throws, and `invalid_request` for an arm that may not be forced
   */
  through(input: PredictInput, call: ExperimentCall, answer: Answer, shadow: Answer): Promise<Prediction>;
  /** @throws {TwinrouteError} `not_found` when no request of the tenant has that id */
  feedback(tenant: string, feedback: FeedbackRequest): Promise<FeedbackAnswer>;
  list(): Promise<ExperimentsAnswer>;
  /** @throws {TwinrouteError} `not_found` */
  report(key: string): Promise<ExperimentReport>;
  /** @throws {TwinrouteError} `not_found` */
  history(key: string): Promise<ExperimentHistory>;
}

/** Experiments that keep what they learn for as long as the isolate lives. */
export function createExperiments(deps: ExperimentDeps): Experiments {
  const live = createLive(deps);
  const recorder = createRecorder(deps);
  let shadows = 0;

  async function count({ live, arm, unit }: Enrolment, call: ExperimentCall, answered: Prediction | undefined): Promise<void> {
    // Of another experiment or tenant, the same user is another unit; nobody can tell who it is.
    const hashed = await shortHash(JSON.stringify([live.design, call.tenant, unit]));
    recorder.observe(live, { id: call.id, tenant: call.tenant, unit: hashed, arm, answered: answered && measure(answered) });
  }

  async function runShadow(
    live: LiveExperiment,
    config: string,
    input: PredictInput,
    answered: Prediction,
    shadow: Answer,
    trip?: Trip,
  ): Promise<void> {
    shadows += 1;
    try {
      recorder.observeShadow(live, compareAnswers(answered, await shadow({ ...input, config }, `${answered.id}.shadow`)));
      trip?.note({ kind: 'shadow', experiment: live.experiment.key, outcome: 'answered' });
    } catch {
      recorder.observeShadow(live, 'failed');
      trip?.note({ kind: 'shadow', experiment: live.experiment.key, outcome: 'failed' });
    } finally {
      shadows -= 1;
    }
  }

  async function published(key: string): Promise<LiveExperiment> {
    const found = (await live()).find(({ experiment }) => experiment.key === key);
    if (found !== undefined) return found;
    throw new TwinrouteError('not_found', `key: expected an experiment that GET /v1/experiments lists, got ${key.slice(0, 100)}`, {
      param: 'key',
    });
  }

  return {
    async through(input, call, answer, shadow) {
      // A request that names its config is nobody's experiment.
      const enrolment = input.config === undefined ? enrol(await live(), { ...call.caller, user: input.user }) : undefined;
      if (enrolment === undefined) return answer(input, call.id);
      const { experiment } = enrolment.live;
      let answered: Prediction;
      try {
        answered = await answer(enrolment.config === undefined ? input : { ...input, config: enrolment.config }, call.id);
      } catch (thrown) {
        const { code } = toTwinrouteError(thrown);
        const theirs = ERROR_CODES[code].fault === 'user' || (code === 'timeout' && call.hurried());
        if (enrolment.counted && !theirs) deps.keepAlive(count(enrolment, call, undefined));
        throw thrown;
      }
      // An answer of before is not this config's doing now.
      const counted = enrolment.counted && answered.cached !== true;
      if (counted) deps.keepAlive(count(enrolment, call, answered));
      const { config, share } = experiment.shadow ?? { config: '', share: 0 };
      // A config that the caller's key does not allow gets its texts neither openly nor in the shadow.
      const allowed = counted && call.caller.configs?.includes(config) !== false;
      if (allowed && shadows < SHADOWS && bucketOf(`__shadow_${experiment.key}`, call.id, 2) < share)
        deps.keepAlive(runShadow(enrolment.live, config, input, answered, shadow, call.trip));
      if (enrolment.arm === 'held') return answered;
      const { name } = experiment.arms[enrolment.arm];
      if (counted) call.trip?.note({ kind: 'exposure', experiment: experiment.key, arm: name });
      return { ...answered, experiment: { key: experiment.key, arm: name, ...(enrolment.forced && { forced: true }) } };
    },

    async feedback(tenant, { request_id, name, outcome }) {
      await recorder.flush();
      const experiments = await live();
      const results = await Promise.all(
        experiments.map(async ({ experiment, design }) => ({
          experiment,
          result: await reach(experiment.key, () =>
            deps.storeOf(design).feedback(experiment, { tenant, id: request_id, name, value: Number(outcome) }),
          ),
        })),
      );
      for (const { experiment, result } of results) {
        if (result.kind === 'recorded' || result.kind === 'repeated')
          return { request_id, name, experiment: experiment.key, arm: result.arm, recorded: result.kind === 'recorded' };
        if (result.kind === 'full')
          throw new TwinrouteError('invalid_request', `name: expected one of the outcomes that ${experiment.key} has, got one too many`, {
            param: 'name',
          });
      }
      throw new TwinrouteError(
        'not_found',
        'request_id: expected a request of yours in a live experiment, got another, or one too recent',
        {
          param: 'request_id',
          retryAfterSeconds: 5,
        },
      );
    },

    async list() {
      return {
        experiments: (await live()).map(({ experiment, design, standing, problem }) => ({
          key: experiment.key,
          design,
          ...standing,
          arms: experiment.arms,
          ...(problem !== undefined && { problem }),
        })),
      };
    },

    async report(key) {
      const { experiment, design } = await published(key);
      await recorder.flush();
      return reach(key, () => deps.storeOf(design).report(experiment, design));
    },

    async history(key) {
      const { experiment, design } = await published(key);
      return reach(key, () => deps.storeOf(design).history(experiment, design));
    },
  };
}

/** What the state of an experiment answers. */
async function reach<T>(key: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw new TwinrouteError('unavailable', `experiments: expected the state of ${key}, got ${messageOf(cause)}`, { cause });
  }
}

/** What counts of an answer. */
function measure({ label, scores, abstained, timing }: Prediction): { latency_ms: number; confidence?: number; abstained: boolean } {
  return { latency_ms: timing.total_ms, abstained, ...(label !== null && { confidence: scores[label] }) };
}

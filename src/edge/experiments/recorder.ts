// What this isolate saw of experiments, gathered and sent to their state together. An isolate that ends before it has sent loses what it saw in the
// last two seconds, at most `FULL` requests of each experiment; counts are then low, but for all arms alike.

import { messageOf, TwinrouteError } from '../../core/errors.ts';
import type { Experiment } from '../../contract/experiments.ts';
import type { LiveExperiment } from './live.ts';
import type { Batch, ExperimentStore, Observation, ShadowObservation } from './state.ts';

/** Longest wait before what was seen is sent. */
const WAIT_MS = 2_000;
/** After so long another wait is begun. */
const LOST_MS = 3 * WAIT_MS;
/** What is sent at once without waiting. */
const FULL = 50;
/** Batches that are kept while the state cannot be reached; the oldest is dropped. */
const KEPT = 20;

/** What recording needs. */
export interface RecorderDeps {
  readonly storeOf: (design: string) => ExperimentStore;
  readonly keepAlive: (work: Promise<unknown>) => void;
  readonly newId: () => string;
  /** Milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly log: (error: TwinrouteError, requestId: string) => void;
}

/** Takes what an isolate sees. */
export interface Recorder {
  observe(live: LiveExperiment, observation: Observation): void;
  observeShadow(live: LiveExperiment, shadow: ShadowObservation | 'failed'): void;
  /** Sends everything now. */
  flush(): Promise<void>;
}

interface Pending {
  /** As it was last published. */
  experiment: Experiment;
  observations: Observation[];
  shadows: (ShadowObservation | 'failed')[];
  /** Batches that were not acknowledged; sent again under their ids. */
  readonly unsent: Batch[];
  /** Since when a wait is under way. */
  waitingMs: number | undefined;
}

/** An empty recorder. */
export function createRecorder(deps: RecorderDeps): Recorder {
  const pending = new Map<string, Pending>();
  const of = ({ experiment, design }: LiveExperiment): Pending => {
    const entry = pending.get(design) ?? { experiment, observations: [], shadows: [], unsent: [], waitingMs: undefined };
    pending.set(design, entry);
    entry.experiment = experiment;
    return entry;
  };
  const schedule = (design: string, entry: Pending): void => {
    if (entry.observations.length + entry.shadows.length >= FULL) deps.keepAlive(send(deps, design, entry));
    // A wait whose request was cut short never ends.
    const nowMs = deps.now();
    if (entry.waitingMs !== undefined && nowMs - entry.waitingMs < LOST_MS) return;
    entry.waitingMs = nowMs;
    deps.keepAlive(
      deps.sleep(WAIT_MS).then(() => {
        entry.waitingMs = undefined;
        return send(deps, design, entry);
      }),
    );
  };
  return {
    observe(live, observation) {
      const entry = of(live);
      entry.observations.push(observation);
      schedule(live.design, entry);
    },
    observeShadow(live, shadow) {
      const entry = of(live);
      entry.shadows.push(shadow);
      schedule(live.design, entry);
    },
    async flush() {
      await Promise.all(Array.from(pending, ([design, entry]) => send(deps, design, entry)));
    },
  };
}

/** Sends what is pending, in order; what fails stays for the next time. Never throws. */
async function send(deps: RecorderDeps, design: string, entry: Pending): Promise<void> {
  if (entry.observations.length + entry.shadows.length > 0)
    entry.unsent.push({ id: deps.newId(), observations: entry.observations, shadows: entry.shadows });
  entry.observations = [];
  entry.shadows = [];
  entry.unsent.splice(0, entry.unsent.length - KEPT);
  for (const batch of entry.unsent.slice()) {
    try {
      await deps.storeOf(design).record(entry.experiment, batch);
      const sent = entry.unsent.indexOf(batch);
      if (sent >= 0) entry.unsent.splice(sent, 1);
    } catch (cause) {
      deps.log(
        new TwinrouteError('unavailable', `experiments: expected to record ${design}, got ${messageOf(cause)}`, { cause }),
        batch.id,
      );
      return;
    }
  }
}

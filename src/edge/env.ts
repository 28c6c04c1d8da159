// What a deployment binds to the Worker; wrangler.toml and src/cli/dev/start-edge.ts name the same things.

import type { Directory } from './durable/directory.ts';
import type { ExperimentState } from './durable/experiment-state.ts';

/** Bindings and variables. */
export interface EdgeEnv {
  /** The deployed packs. */
  readonly ASSETS: Fetcher;
  /** JSON of contract/edge-bundle.ts's `Endpoints`. */
  readonly ENDPOINTS: string;
  /** JSON of contract/upstream.ts's `Upstream`. */
  readonly UPSTREAM?: string;
  /** Secret: JSON of contract/signing-keys.ts's `SigningKeySet`. The first key that can signs requests to origins, all verify receipts. */
  readonly SIGNING_KEYS?: string;
  /** Every account of the deployment, in one object. */
  readonly DIRECTORY?: DurableObjectNamespace<Directory>;
  /** State of each experiment design. */
  readonly EXPERIMENT_STATES?: DurableObjectNamespace<ExperimentState>;
  /** Published config; its key `experiments` is JSON of contract/experiments.ts's `Experiments`. */
  readonly CONFIG?: KVNamespace;
  /** The same JSON, where the namespace has none. */
  readonly EXPERIMENTS?: string;
}

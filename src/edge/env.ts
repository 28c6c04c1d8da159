// What a deployment binds to the Worker; wrangler.toml and src/cli/dev/start-edge.ts name the same things.

import type { Account } from './durable/account.ts';
import type { Directory } from './durable/directory.ts';
import type { Payer } from './durable/payer.ts';
import type { ExperimentState } from './durable/experiment-state.ts';
import type { Releases } from './durable/releases.ts';
import type { Metrics } from './durable/metrics.ts';
import type { UsageLog } from './durable/usage-log.ts';
import type { UsageMessage } from './durable/usage-messages.ts';

/** Bindings and variables. */
export interface EdgeEnv {
  /** The deployed packs. */
  readonly ASSETS: Fetcher;
  /** JSON of contract/endpoint.ts's `Endpoints`. */
  readonly ENDPOINTS: string;
  /** Secret: JSON of contract/endpoint.ts's `EndpointTokens`. */
  readonly ENDPOINT_TOKENS?: string;
  /** Networks that the Worker may send requests to: `public` (the default; https alone), `loopback` too, or `private` ones as well. */
  readonly OUTBOUND?: string;
  /** JSON of contract/upstream.ts's `Upstream`. */
  readonly UPSTREAM?: string;
  /** JSON of contract/cors.ts's `CorsOrigins`: pages that may call; any without it. */
  readonly CORS_ORIGINS?: string;
  /** Secret: JSON of contract/signing-keys.ts's `SigningKeySet`. The first key that can signs requests to origins, all verify receipts. */
  readonly SIGNING_KEYS?: string;
  /** Every account of the deployment, in one object. */
  readonly DIRECTORY?: DurableObjectNamespace<Directory>;
  /** State of each experiment design. */
  readonly EXPERIMENT_STATES?: DurableObjectNamespace<ExperimentState>;
  /** Published config; its key `experiments` is JSON of contract/experiments.ts's `Experiments`, `release` of contract/release.ts's `SignedRelease`. */
  readonly CONFIG?: KVNamespace;
  /** The same JSON, where the namespace has none. */
  readonly EXPERIMENTS?: string;
  /** Keys and ledger of each account, by its id. */
  readonly ACCOUNTS?: DurableObjectNamespace<Account>;
  /** What each account was charged for, by its id. */
  readonly USAGE_LOGS?: DurableObjectNamespace<UsageLog>;
  /** Brings usage from ledgers to logs. */
  readonly USAGE?: Queue<UsageMessage>;
  /** The root secret of the admin API, at least 32 characters. Without it there are no accounts, and requests need no key. */
  readonly ADMIN_SECRET?: string;
  /** JSON of contract/price-list.ts's `PriceList`; everything is free without it. */
  readonly PRICES?: string;
  /** JSON of contract/publish-keys.ts's `PublishKeySet`, public halves only. Without it nothing can be published. */
  readonly PUBLISH_KEYS?: string;
  /** How old what an isolate knows of releases may get; 30. */
  readonly RELEASE_TTL_SECONDS?: string;
  /** History of releases, in one object. */
  readonly RELEASES?: DurableObjectNamespace<Releases>;
  /** Files that releases name, by their hashes. */
  readonly PACKS?: R2Bucket;
  /** Sums of metrics over isolates; each isolate tells its own without it. */
  readonly METRICS?: DurableObjectNamespace<Metrics>;
  /** Secret: bearer token for GET /metrics. Without it keys with the scope admin-read may, or everybody where there are no accounts. */
  readonly METRICS_TOKEN?: string;
  /** JSON of contract/otlp.ts's `Otlp`: where traces go. */
  readonly OTLP?: string;
  /** Secret: JSON of contract/otlp.ts's `OtlpHeaders`. */
  readonly OTLP_HEADERS?: string;
  /** `debug`, `info` (every request), `warn` or `error`; info without it. */
  readonly LOG_LEVEL?: string;
  /** One point for each request. */
  readonly ANALYTICS?: AnalyticsEngineDataset;
  /** JSON of contract/x402.ts's `X402`: requests without a key are paid for one by one. Needs PRICES. */
  readonly X402?: string;
  /** Secret: what the facilitator wants as `authorization: Bearer …`. */
  readonly X402_TOKEN?: string;
  /** Payments of each payer without an account, by its id. */
  readonly PAYERS?: DurableObjectNamespace<Payer>;
}

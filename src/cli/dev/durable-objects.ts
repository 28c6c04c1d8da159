// The Worker's Durable Objects on this machine, kept in step with wrangler.toml (test/cli/dev/durable-objects.test.ts compares them).

/** Class by binding. */
export const DURABLE_OBJECTS = {
  DIRECTORY: 'Directory',
  EXPERIMENT_STATES: 'ExperimentState',
  ACCOUNTS: 'Account',
  USAGE_LOGS: 'UsageLog',
  RELEASES: 'Releases',
  METRICS: 'Metrics',
  PAYERS: 'Payer',
} as const;

// The verbs, in the order in which help lists them. A new verb is a file in commands/ and a row here.

import { add } from './commands/add.ts';
import { build } from './commands/build.ts';
import { dev } from './commands/dev.ts';
import { diagnoseVerb } from './commands/diagnose.ts';
import { evalVerb } from './commands/eval.ts';
import { exportVerb } from './commands/export.ts';
import { growthbook } from './commands/growthbook.ts';
import { inspect } from './commands/inspect.ts';
import { merge } from './commands/merge.ts';
import { origin } from './commands/origin.ts';
import { predict } from './commands/predict.ts';
import { publish } from './commands/publish.ts';
import { releases } from './commands/releases.ts';
import { report } from './commands/report.ts';
import { rollback } from './commands/rollback.ts';
import { rollout } from './commands/rollout.ts';
import { searchVerb } from './commands/search.ts';
import { signingKeys } from './commands/signing-keys.ts';
import type { Verb } from './verb.ts';

/** Every verb. */
export const VERBS: readonly Verb[] = [
  build,
  add,
  merge,
  diagnoseVerb,
  evalVerb,
  report,
  predict,
  inspect,
  exportVerb,
  searchVerb,
  origin,
  publish,
  rollout,
  rollback,
  releases,
  growthbook,
  signingKeys,
  dev,
];

// What a verb of the command line is: a row of the table in verbs.ts. Parsing, help, `--json` and exit codes are the same for all.

import type { ParseArgsConfig } from 'node:util';
import type { Progress } from '../core/progress.ts';

/** The world of a verb. */
export interface Io {
  /** Writes a line of the result to stdout. */
  readonly out: (text: string) => void;
  /** Writes a line for people to stderr. */
  readonly log: (text: string) => void;
  readonly progress: Progress;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Resolves at the first SIGINT or SIGTERM; a verb that serves waits for it. */
  readonly stopped: () => Promise<void>;
  /** Calls back at each SIGHUP, which would end the process otherwise; the returned function ends that. */
  readonly onHangup: (listener: () => void) => () => void;
}

/** Options as parsed: strings, flags, and lists of repeated strings. */
export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** One option of a verb. */
export type OptionSpec = NonNullable<ParseArgsConfig['options']>[string] & { readonly help: string };

/** A verb of the command line. */
export interface Verb {
  readonly name: string;
  /** One line for the table of verbs. */
  readonly summary: string;
  /** What follows the verb, e.g. `CONFIG --out PACK`. */
  readonly usage: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /**
   * Does the work and returns what `--json` prints; without `--json` the verb has already printed for people through `io.out`.
   * @throws {TwinrouteError} `usage` when the arguments do not fit (exit 2), any other error when it failed (exit 1)
   */
  run(positionals: readonly string[], values: Values, io: Io, json: boolean): Promise<void>;
}

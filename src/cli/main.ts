// `twinroute <verb>`: finds the verb, parses its options, runs it and turns the outcome into an exit code:
// 0 done, 1 failed, 2 wrong usage.

import { parseArgs } from 'node:util';
import { isTwinrouteError, messageOf, TwinrouteError } from '../core/errors.ts';
import { drawProgress } from './progress.ts';
import type { Io, Values, Verb } from './verb.ts';
import { VERBS } from './verbs.ts';

/** The streams and surroundings of a command line. */
export interface Surroundings {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stopped: () => Promise<void>;
  /** Nothing hangs up where it is left out. */
  readonly onHangup?: (listener: () => void) => () => void;
}

/**
 * Runs one command line.
 * @param args what follows `twinroute`
 * @returns the exit code
 */
export async function main(
  args: readonly string[],
  { stdout, stderr, env, stopped, onHangup = () => () => undefined }: Surroundings,
): Promise<number> {
  const io: Io = {
    out: (text) => void stdout.write(`${text}\n`),
    log: (text) => void stderr.write(`${text}\n`),
    progress: drawProgress(stderr, () => performance.now()),
    env,
    stopped,
    onHangup,
  };
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    io.out(overview());
    return name === undefined ? 2 : 0;
  }
  const verb = VERBS.find((candidate) => candidate.name === name);
  if (verb === undefined) {
    io.log(`twinroute: expected a verb, one of ${VERBS.map((candidate) => candidate.name).join(', ')}; got "${name}"`);
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(help(verb));
    return 0;
  }
  const json = rest.includes('--json');
  try {
    const { positionals, values } = parse(verb, rest);
    await verb.run(positionals, values, io, json);
    return 0;
  } catch (error) {
    const code = isTwinrouteError(error) ? error.code : 'internal';
    if (json)
      io.out(
        JSON.stringify({
          error: { code, message: messageOf(error), ...(isTwinrouteError(error) && error.param !== undefined && { param: error.param }) },
        }),
      );
    io.log(`twinroute ${verb.name}: ${messageOf(error)}`);
    if (code === 'usage') io.log(`usage: twinroute ${verb.name} ${verb.usage}`);
    if (code === 'internal' && error instanceof Error) io.log(error.stack ?? '');
    return code === 'usage' ? 2 : 1;
  }
}

function parse(verb: Verb, args: readonly string[]): { positionals: readonly string[]; values: Values } {
  const options = Object.fromEntries(Object.entries(verb.options).map(([name, { help: _help, ...option }]) => [name, option]));
  try {
    return parseArgs({ args: [...args], options: { ...options, json: { type: 'boolean' } }, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new TwinrouteError('usage', messageOf(cause), { cause });
  }
}

function overview(): string {
  const width = Math.max(...VERBS.map((verb) => verb.name.length));
  return [
    'Twinroute: one merged model that behaves like many fine-tuned experts.',
    '',
    'usage: twinroute <verb> … [--json] [--help]',
    '',
    ...VERBS.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`),
  ].join('\n');
}

function help(verb: Verb): string {
  const rows = Object.entries(verb.options).map(
    ([name, option]) => [`--${name}${option.type === 'string' ? ' VALUE' : ''}`, option.help] as const,
  );
  const all = [...rows, ['--json', 'print the result as JSON on stdout, for programs'] as const, ['--help', 'print this'] as const];
  const width = Math.max(...all.map(([left]) => left.length));
  return [
    `usage: twinroute ${verb.name} ${verb.usage}`,
    '',
    verb.summary,
    '',
    ...all.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
  ].join('\n');
}

// What a log may say of an error. Messages say what was expected and then what came instead, and what came is somebody else's: a text, an origin's
// words, a piece of a body that did not parse. Only the expectation is told. A defect is told by its kind and place: its message may quote anything.

import { isTwinrouteError } from '../errors.ts';

/** Causes that are followed. */
const DEPTH = 3;
/** Places of a stack that are told. */
const FRAMES = 8;

/** An error without what others wrote. */
export interface SafeError {
  /** A literal code, or the class of a foreign error. */
  readonly error: string;
  readonly message?: string;
  /** Where a foreign error was thrown. */
  readonly at?: readonly string[];
  readonly cause?: SafeError;
}

/** What may be told of a thrown value. */
export function safeError(thrown: unknown, depth = DEPTH): SafeError {
  if (!(thrown instanceof Error)) return { error: typeof thrown };
  const cause = thrown.cause === undefined || depth === 0 ? {} : { cause: safeError(thrown.cause, depth - 1) };
  if (isTwinrouteError(thrown)) return { error: thrown.code, message: expectation(thrown.message), ...cause };
  return { error: safeName(thrown.name), at: framesOf(thrown.stack ?? ''), ...cause };
}

/** `where: expected …` without `, got …`; of a message in another form only its first word. */
function expectation(message: string): string {
  return (/^(?:[\w .[\]-]{1,80}: ){1,3}expected [^]*?(?=, got )/.exec(message) ?? /^[\w.-]*/.exec(message) ?? [''])[0];
}

function safeName(name: string): string {
  return /^\w{1,64}$/.test(name) ? name : 'Error';
}

/** The lines of a stack that name places, without the message above them. */
function framesOf(stack: string): string[] {
  return stack
    .split('\n')
    .flatMap((line) => /^\s+at ([\w.$<>#/:@() [\]-]{1,200})$/.exec(line)?.[1] ?? [])
    .slice(0, FRAMES);
}

// DIR/trials.jsonl: what a search has measured. Lines are only ever added, each in one flushed write, so that a search which was killed
// at any moment goes on from it. A last line that was torn is cut off; any other line that does not fit is an error.

import { open, readFile, type FileHandle } from 'node:fs/promises';
import { JournalHead, Trial } from '../../contract/search-config.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { messageOf, TwinrouteError } from '../../core/errors.ts';

/** A journal of a million trials is far smaller. */
const MAX_JOURNAL_BYTES = 1 << 30;

/** An open journal. */
export interface Journal {
  /** undefined while it is empty. */
  readonly head: JournalHead | undefined;
  /** What it held when it was opened. */
  readonly trials: readonly Trial[];
  /** Adds a line; resolves when it is on the disk. */
  append(line: JournalHead | Trial): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens or creates the journal at `path`.
 * @throws {TwinrouteError} `format` naming the line that does not fit
 */
export async function openJournal(path: string): Promise<Journal> {
  const handle = await open(path, 'a+');
  try {
    const { lines, bytes } = whole(await readFile(path), path);
    // Cut, so that the next line does not go on where a torn one ends.
    await handle.truncate(bytes);
    const [first, ...rest] = lines;
    return {
      head: first === undefined ? undefined : parseJsonWith(JournalHead, first, `${path}:1`, 'format'),
      trials: rest.map((line, i) => parseJsonWith(Trial, line, `${path}:${i + 2}`, 'format')),
      append: inTurn((line: JournalHead | Trial) => write(handle, line)),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function write(handle: FileHandle, line: JournalHead | Trial): Promise<void> {
  await handle.appendFile(`${JSON.stringify(line)}\n`);
  await handle.datasync();
}

/** The whole lines of a journal, and how many bytes they take. */
function whole(content: Buffer, path: string): { lines: string[]; bytes: number } {
  if (content.length > MAX_JOURNAL_BYTES)
    throw new TwinrouteError('format', `${path}: expected at most ${MAX_JOURNAL_BYTES} bytes, got ${content.length}`);
  let bytes = content.lastIndexOf(0x0a) + 1;
  const lines = content.subarray(0, bytes).toString('utf8').split('\n').slice(0, -1);
  const last = lines.at(-1);
  // A write that a power cut interrupted can leave a whole line of zeros.
  if (last !== undefined && !isJson(last)) {
    lines.pop();
    bytes -= Buffer.byteLength(last) + 1;
  }
  return { lines, bytes: Math.max(0, bytes) };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Calls of `work` one after another; one that fails does not hold up the next. */
function inTurn<A>(work: (argument: A) => Promise<void>): (argument: A) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (argument) => {
    const next = last.then(() => work(argument));
    last = next.catch((error: unknown) => void messageOf(error));
    return next;
  };
}

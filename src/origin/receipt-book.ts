// The receipts that this origin gave, as lines of JSON in files that only grow, until the oldest file makes room. A line is handed to the system before
// its answer leaves, so it outlives the process, though not a machine that loses power within the next seconds.

import { accessSync, closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { BookedReceipt, RECEIPTS_PAGE, type ReceiptsAnswer } from '../contract/receipt-book.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { messageOf, TwinrouteError } from '../core/errors.ts';

/** A book holds about a million receipts. */
const FILE_BYTES = 16 << 20;
const FILES = 16;
const NAME = /^receipts-(\d{1,16})\.jsonl$/;

/** A book of receipts. */
export interface ReceiptBook {
  /** Writes a line; a disk that does not take it is logged, and no reason to refuse an answer. */
  add(receipt: BookedReceipt): void;
  /** Up to RECEIPTS_PAGE receipts from a time on. @param cursor `next` of the answer before */
  read(sinceMs: number, cursor: string | undefined): ReceiptsAnswer;
  close(): void;
}

/** Settings of a book. */
export interface BookOptions {
  readonly now: () => number;
  readonly log: (line: string) => void;
  readonly fileBytes?: number;
  readonly files?: number;
}

/**
 * The book in a folder of its own, which is made if need be; one process at a time. Each begins a new file with its first receipt.
 * @throws {TwinrouteError} `config` when the folder cannot be written
 */
export function openReceiptBook(folder: string, { now, log, fileBytes = FILE_BYTES, files = FILES }: BookOptions): ReceiptBook {
  const openedMs = now();
  let current: { readonly fd: number; bytes: number } | undefined;
  const fileOf = (startMs: number): string => join(folder, `receipts-${startMs}.jsonl`);
  const starts = (): readonly number[] =>
    readdirSync(folder)
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  const makeRoom = (): void => {
    let room = fileBytes * (files - 1);
    for (const startMs of starts().toReversed()) {
      room -= statSync(fileOf(startMs)).size;
      if (room < 0) rmSync(fileOf(startMs));
    }
  };
  const begin = (): { readonly fd: number; bytes: number } => {
    if (current !== undefined) closeSync(current.fd);
    makeRoom();
    const startMs = Math.max(now(), (starts().at(-1) ?? 0) + 1);
    return { fd: openSync(fileOf(startMs), 'ax', 0o600), bytes: 0 };
  };
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new TwinrouteError('config', `${folder}: expected a folder for receipts, got an error`, { cause });
  }
  return {
    add(receipt) {
      try {
        const line = Buffer.from(`${JSON.stringify(receipt)}\n`);
        if (current === undefined || current.bytes + line.byteLength > fileBytes) current = begin();
        current.bytes += writeSync(current.fd, line);
      } catch (cause) {
        log(`receipts: expected to write to ${folder}, got an error: ${messageOf(cause)}`);
      }
    },
    read(sinceMs, cursor) {
      const all = starts();
      const [file, first] = cursor?.split(':').map(Number) ?? [0, 0];
      const receipts: BookedReceipt[] = [];
      const answer = { receipts, from_ms: all[0] ?? openedMs };
      for (const [i, startMs] of all.entries()) {
        // A file's lines are no younger than the next one's name.
        if (startMs < file || (all[i + 1] ?? Infinity) < sinceMs) continue;
        const lines = readFileSync(fileOf(startMs), 'utf8').split('\n');
        for (let at = startMs === file ? first : 0; at < lines.length; at++) {
          if (receipts.length >= RECEIPTS_PAGE) return { ...answer, next: `${startMs}:${at}` };
          const receipt = readLine(lines[at]);
          if (receipt !== undefined && receipt.at_ms >= sinceMs) receipts.push(receipt);
        }
      }
      return answer;
    },
    close() {
      if (current !== undefined) closeSync(current.fd);
      current = undefined;
    },
  };
}

/** A line, or undefined for one that a dying machine left half written. */
function readLine(line: string): BookedReceipt | undefined {
  try {
    return line === '' ? undefined : parseJsonWith(BookedReceipt, line, 'receipts', 'format');
  } catch {
    return undefined;
  }
}

import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { JournalHead, Trial } from '../../../src/contract/search-config.ts';
import { openJournal } from '../../../src/cli/search/journal.ts';

const HEAD: JournalHead = { search: 'abc', individual: { full: { birds: 0.5 }, screening: {} } };
const trial = (number: number): Trial => ({ stage: 'full', trial: number, values: [0.1 + 0.2, number], error: 'none' });

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinroute-journal-'));
  path = join(folder, 'trials.jsonl');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  await rm(path, { force: true });
  const journal = await openJournal(path);
  await Promise.all([HEAD, trial(0), trial(1)].map((line) => journal.append(line)));
  await journal.close();
});

test('what was written is read again, numbers to the last bit', async () => {
  const journal = await openJournal(path);
  expect(journal.head).toEqual(HEAD);
  expect(journal.trials).toEqual([trial(0), trial(1)]);
  await journal.close();
});

test('a last line torn at any byte is dropped, and the next one begins a line of its own', async () => {
  const whole = await readFile(path);
  const start = whole.subarray(0, -1).lastIndexOf(0x0a) + 1;
  for (let end = start; end < whole.length; end++) {
    await writeFile(path, whole.subarray(0, end));
    const journal = await openJournal(path);
    expect(journal.trials).toEqual([trial(0)]);
    await journal.append(trial(7));
    await journal.close();
    const again = await openJournal(path);
    expect(again.trials).toEqual([trial(0), trial(7)]);
    await again.close();
  }
});

test('zeros that a power cut left are dropped', async () => {
  await appendFile(path, `${'\0'.repeat(40)}\n`);
  const journal = await openJournal(path);
  expect(journal.trials).toEqual([trial(0), trial(1)]);
  await journal.close();
});

test.each([
  ['not JSON', 'x', /trials.jsonl:2: expected JSON/],
  ['no trial', '{"stage":"full"}', /trials.jsonl:2: /],
])('a line before the last that is %s is refused by number', async (_, line, message) => {
  const [head, ...rest] = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, [head, line, ...rest].join('\n'));
  await expect(openJournal(path)).rejects.toThrow(message);
});

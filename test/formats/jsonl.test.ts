import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { parseJsonl } from '../../src/formats/jsonl.ts';

const Row = z.object({ text: z.string() });

test('reads values a line, whatever the line ends, blank lines and byte order mark', () => {
  expect(parseJsonl(Row, '\ufeff{"text":"a"}\r\n\n  {"text":"b\\n"}\n{"text":"\u2028"}', 'x')).toEqual([
    { text: 'a' },
    { text: 'b\n' },
    { text: '\u2028' },
  ]);
  expect(parseJsonl(Row, '', 'x')).toEqual([]);
});

test.each([
  ['{"text":"a"}\n{"text":', 'x:2: expected JSON'],
  ['\n\n{"text":1}', 'x:3: text'],
  ['{"text":"a"}{"text":"b"}', 'x:1: expected JSON'],
  [`"${'a'.repeat(5 << 20)}"`, 'x:1: expected at most'],
])('names the line of %#', (text, message) => {
  expect(() => parseJsonl(Row, text, 'x')).toThrow(expect.objectContaining({ code: 'format', message: expect.stringContaining(message) }));
});

import { expect, test } from 'vitest';
import { formatTraceparent, isSampled, parseTraceContext } from '../../../src/core/observe/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const PARENT = `00-${TRACE}-${SPAN}-01`;

test('a caller’s place is read and written as it came', () => {
  const context = parseTraceContext(PARENT, 'vendor=a:b;c, 1tenant@sys=x ,,other=1');
  expect(context).toEqual({ traceId: TRACE, spanId: SPAN, sampled: true, random: false, state: 'vendor=a:b;c,1tenant@sys=x,other=1' });
  expect(context && formatTraceparent(context)).toBe(PARENT);
});

test.each([
  ['01', true, false],
  ['00', false, false],
  ['02', false, true],
  ['03', true, true],
  ['ff', true, true],
])('flags %s', (flags, sampled, random) => {
  expect(parseTraceContext(`00-${TRACE}-${SPAN}-${flags}`, undefined)).toMatchObject({ sampled, random });
});

test('a later version may say more, and is read as far as it is known', () => {
  expect(parseTraceContext(`01-${TRACE}-${SPAN}-01-more`, undefined)).toMatchObject({ traceId: TRACE, sampled: true });
  expect(parseTraceContext(`cc-${TRACE}-${SPAN}-01`, undefined)).toMatchObject({ traceId: TRACE });
});

test.each([
  ['nothing', undefined],
  ['an empty text', ''],
  ['version ff', `ff-${TRACE}-${SPAN}-01`],
  ['more than version 00 has', `${PARENT}-more`],
  ['a later version without a dash', `01-${TRACE}-${SPAN}-01more`],
  ['capitals', PARENT.toUpperCase()],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['a long span id', `00-${TRACE}-${SPAN}0-01`],
  ['no flags', `00-${TRACE}-${SPAN}`],
  ['spaces', ` ${PARENT}`],
  ['two headers joined', `${PARENT},${PARENT}`],
])('%s begins a new trace', (_, header) => {
  expect(parseTraceContext(header, 'a=1')).toBeUndefined();
});

test.each([
  ['two of one key', 'a=1,a=2'],
  ['no value', 'a='],
  ['no key', '=1'],
  ['capitals', 'A=1'],
  ['a value that ends in a space, after its comma', 'a=1,b=é'],
  ['a sign that ends keys within a value', 'a=1=2'],
  ['33 members', Array.from({ length: 33 }, (_, i) => `k${i}=1`).join(',')],
  ['513 characters', `a=${'x'.repeat(511)}`],
  ['a key of another form', 'a@b@c=1'],
])('tracestate with %s is dropped, the trace goes on', (_, state) => {
  expect(parseTraceContext(PARENT, state)).toMatchObject({ traceId: TRACE, state: '' });
});

test('a ratio takes about its share of traces, and a larger one all that a smaller one takes', () => {
  const ids = Array.from({ length: 4_000 }, (_, i) => ((BigInt(i) * 0x9e3779b97f4a7c15n) % 2n ** 64n).toString(16).padStart(32, '0'));
  const taken = ids.filter((id) => isSampled(id, 0.25));
  expect(taken.length / ids.length).toBeCloseTo(0.25, 1);
  expect(taken.every((id) => isSampled(id, 0.3))).toBe(true);
  expect([isSampled('f'.repeat(32), 1), isSampled('0'.repeat(32), 0)]).toEqual([true, false]);
});

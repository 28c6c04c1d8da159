import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { createSpanExporter, type SendOutcome } from '../../../src/core/observe/span-exporter.ts';
import type { Span } from '../../../src/core/observe/span.ts';

const Body = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(z.object({ name: z.string() })) })) })),
});

function span(name: string): Span {
  return {
    traceId: '1'.repeat(32),
    spanId: '2'.repeat(16),
    parentSpanId: undefined,
    name,
    kind: 'internal',
    startMs: 1.5,
    ms: 2,
    failed: false,
    attributes: {},
  };
}

function create(outcomes: SendOutcome[], queue = 10, batch = 2) {
  const bodies: string[][] = [];
  const drops: string[] = [];
  const exporter = createSpanExporter({
    send: async (body) => {
      bodies.push(
        Body.parse(JSON.parse(body)).resourceSpans.flatMap(({ scopeSpans }) =>
          scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name)),
        ),
      );
      return outcomes.shift() ?? 200;
    },
    resource: { 'service.name': 'test' },
    queue,
    batch,
    dropped: (spans, why) => void drops.push(`${spans} ${why}`),
  });
  return { exporter, bodies, drops };
}

test('spans go out in batches, in order', async () => {
  const { exporter, bodies, drops } = create([]);
  for (const name of ['a', 'b', 'c']) exporter.add(span(name));
  expect(exporter.isFull()).toBe(true);
  await exporter.flush();
  await exporter.flush();
  expect({ bodies, drops }).toEqual({ bodies: [['a', 'b'], ['c']], drops: [] });
});

test('what does not fit is dropped and counted', async () => {
  const { exporter, bodies, drops } = create([], 2);
  for (const name of ['a', 'b', 'c', 'd']) exporter.add(span(name));
  await exporter.flush();
  expect({ bodies, drops }).toEqual({ bodies: [['a', 'b']], drops: ['1 queue', '1 queue'] });
});

test.each([429, 502, 503, 504, 'failed'] as const)('after %s the batch is sent once more, before the others', async (outcome) => {
  const { exporter, bodies, drops } = create([outcome]);
  for (const name of ['a', 'b', 'c']) exporter.add(span(name));
  await exporter.flush();
  expect(bodies).toEqual([['a', 'b']]);
  await exporter.flush();
  expect({ bodies, drops }).toEqual({ bodies: [['a', 'b'], ['a', 'b'], ['c']], drops: [] });
});

test('a batch that fails twice is dropped, and its collector left alone until the next time', async () => {
  const { exporter, bodies, drops } = create(['failed', 'failed']);
  for (const name of ['a', 'b', 'c']) exporter.add(span(name));
  await exporter.flush();
  await exporter.flush();
  expect({ bodies, drops }).toEqual({
    bodies: [
      ['a', 'b'],
      ['a', 'b'],
    ],
    drops: ['2 collector'],
  });
  await exporter.flush();
  expect(bodies.at(-1)).toEqual(['c']);
});

test('a batch that the collector refuses is dropped at once', async () => {
  const { exporter, bodies, drops } = create([400]);
  for (const name of ['a', 'b', 'c']) exporter.add(span(name));
  await exporter.flush();
  expect({ bodies, drops }).toEqual({ bodies: [['a', 'b'], ['c']], drops: ['2 collector'] });
});

test('flushes at the same time are one', async () => {
  const { exporter, bodies } = create([]);
  exporter.add(span('a'));
  await Promise.all([exporter.flush(), exporter.flush()]);
  expect(bodies).toEqual([['a']]);
});

import { expect, test } from 'vitest';
import { encodeSpans } from '../../../src/core/observe/otlp.ts';

test('a span in OTLP’s JSON: ids in hex, times and integers as text, attributes typed', () => {
  const body: unknown = JSON.parse(
    encodeSpans(
      [
        {
          traceId: 'a'.repeat(32),
          spanId: 'b'.repeat(16),
          parentSpanId: 'c'.repeat(16),
          name: 'POST all',
          kind: 'client',
          startMs: 1_795_000_000_000.25,
          ms: 1.5,
          failed: true,
          attributes: { text: 'x', count: 3, share: 0.5, yes: true, absent: undefined },
        },
      ],
      { 'service.name': 'edge' },
    ),
  );
  expect(body).toEqual({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'edge' } }] },
        scopeSpans: [
          {
            scope: { name: 'twinroute' },
            spans: [
              {
                traceId: 'a'.repeat(32),
                spanId: 'b'.repeat(16),
                parentSpanId: 'c'.repeat(16),
                name: 'POST all',
                kind: 3,
                startTimeUnixNano: '1795000000000250000',
                endTimeUnixNano: '1795000000001750000',
                attributes: [
                  { key: 'text', value: { stringValue: 'x' } },
                  { key: 'count', value: { intValue: '3' } },
                  { key: 'share', value: { doubleValue: 0.5 } },
                  { key: 'yes', value: { boolValue: true } },
                ],
                status: { code: 2 },
              },
            ],
          },
        ],
      },
    ],
  });
});

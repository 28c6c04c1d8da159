import { expect, test } from 'vitest';
import { chooseFormat, EXPOSITION_FORMATS, renderMetrics } from '../../../src/core/observe/exposition.ts';
import { parseExposition } from '../../helpers/parse-exposition.ts';

const TABLE = {
  asks: { name: 'asks', kind: 'counter', help: 'Back\\slash and\nline and "quotes".', labels: ['who'] },
  busy: { name: 'busy', kind: 'gauge', help: 'Level.', labels: [] },
  waits: { name: 'waits_seconds', kind: 'histogram', help: 'Waits.', labels: ['who'], bounds: [0.5, 1] },
} as const;
const SERIES = [
  { metric: 'waits', labels: ['a'], values: [1, 0, 2, 7.5] },
  { metric: 'asks', labels: ['a"b\\c\nd'], values: [3] },
  { metric: 'asks', labels: ['é'], values: [0.25] },
  { metric: 'busy', labels: [], values: [Infinity] },
];

test('Prometheus’s own text format', () => {
  expect(renderMetrics(TABLE, SERIES, EXPOSITION_FORMATS['text/plain'])).toBe(
    String.raw`# HELP asks_total Back\\slash and\nline and "quotes".
# TYPE asks_total counter
asks_total{who="a\"b\\c\nd"} 3
asks_total{who="é"} 0.25
# HELP busy Level.
# TYPE busy gauge
busy +Inf
# HELP waits_seconds Waits.
# TYPE waits_seconds histogram
waits_seconds_bucket{who="a",le="0.5"} 1
waits_seconds_bucket{who="a",le="1"} 1
waits_seconds_bucket{who="a",le="+Inf"} 3
waits_seconds_sum{who="a"} 7.5
waits_seconds_count{who="a"} 3
`,
  );
});

test('OpenMetrics', () => {
  expect(renderMetrics(TABLE, SERIES, EXPOSITION_FORMATS['application/openmetrics-text'])).toBe(
    String.raw`# HELP asks Back\\slash and\nline and \"quotes\".
# TYPE asks counter
asks_total{who="a\"b\\c\nd"} 3
asks_total{who="é"} 0.25
# HELP busy Level.
# TYPE busy gauge
busy +Inf
# HELP waits_seconds Waits.
# TYPE waits_seconds histogram
waits_seconds_bucket{who="a",le="0.5"} 1
waits_seconds_bucket{who="a",le="1.0"} 1
waits_seconds_bucket{who="a",le="+Inf"} 3
waits_seconds_sum{who="a"} 7.5
waits_seconds_count{who="a"} 3
# EOF
`,
  );
});

test('a counter under another server’s name is that name, and in OpenMetrics of no known type', () => {
  const table = { runs: { name: 'nv_runs', kind: 'counter', exact: true, help: 'Runs.', labels: [] } } as const;
  const series = [{ metric: 'runs', labels: [], values: [2] }];
  expect(renderMetrics(table, series, EXPOSITION_FORMATS['text/plain'])).toBe('# HELP nv_runs Runs.\n# TYPE nv_runs counter\nnv_runs 2\n');
  expect(renderMetrics(table, series, EXPOSITION_FORMATS['application/openmetrics-text'])).toBe(
    '# HELP nv_runs Runs.\n# TYPE nv_runs unknown\nnv_runs 2\n# EOF\n',
  );
});

test.each(Object.entries(EXPOSITION_FORMATS))('%s is read back as it was', (_, format) => {
  const samples = parseExposition(renderMetrics(TABLE, SERIES, format));
  expect(samples.find(({ name }) => name === 'asks_total')).toEqual({ name: 'asks_total', labels: { who: 'a"b\\c\nd' }, value: 3 });
  expect(samples).toHaveLength(8);
});

test.each([
  [undefined, 'text/plain'],
  ['*/*', 'text/plain'],
  ['text/plain', 'text/plain'],
  ['application/openmetrics-text', 'application/openmetrics-text'],
  ['application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1', 'application/openmetrics-text'],
  ['text/plain;q=0.9, application/openmetrics-text; q=0.2', 'text/plain'],
  ['application/openmetrics-text;q=0', 'text/plain'],
  ['application/openmetrics-text;q=nonsense', 'text/plain'],
] as const)('Accept: %s gets %s', (accept, type) => {
  expect(chooseFormat(accept)).toBe(EXPOSITION_FORMATS[type]);
});

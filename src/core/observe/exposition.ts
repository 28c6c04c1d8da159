// Series as text that Prometheus reads: its own format 0.0.4, or OpenMetrics 1.0.0 for those who ask for it.
// Source: https://prometheus.io/docs/instrumenting/exposition_formats and the OpenMetrics 1.0.0 specification.

import type { Metric, MetricTable, Series } from './metric.ts';

/** One way to write series. */
export interface ExpositionFormat {
  readonly contentType: string;
  /** Whether a counter's HELP and TYPE lines name it with `_total`. */
  readonly totalInFamily: boolean;
  /** The type of a counter whose name has no `_total`. */
  readonly exactCounter: string;
  readonly number: (value: number) => string;
  readonly help: (text: string) => string;
  /** What the text ends with. */
  readonly end: string;
}

const escapeLabel = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

/** The formats by the name that an Accept header gives them. */
export const EXPOSITION_FORMATS = {
  'text/plain': {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    totalInFamily: true,
    exactCounter: 'counter',
    number: spell,
    help: (text) => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n'),
    end: '',
  },
  'application/openmetrics-text': {
    contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    totalInFamily: false,
    exactCounter: 'unknown',
    // Its canonical numbers have a point or an exponent.
    number: (value) => (Number.isInteger(value) && Math.abs(value) < 1e15 ? `${value}.0` : spell(value)),
    help: escapeLabel,
    end: '# EOF\n',
  },
} as const satisfies Record<string, ExpositionFormat>;

/** The format that a client prefers: OpenMetrics where it takes that at least as gladly as plain text. */
export function chooseFormat(accept: string | undefined): ExpositionFormat {
  const quality = (type: keyof typeof EXPOSITION_FORMATS): number =>
    Math.max(
      0,
      ...(accept ?? '').split(',').map((range) => {
        const [name, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
        if (name !== type) return 0;
        const q = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
        return q >= 0 && q <= 1 ? q : 0;
      }),
    );
  const open = quality('application/openmetrics-text');
  return EXPOSITION_FORMATS[open > 0 && open >= quality('text/plain') ? 'application/openmetrics-text' : 'text/plain'];
}

/** The text. Families come in the order of the table; one without series is described all the same. */
export function renderMetrics(table: MetricTable, series: readonly Series[], format: ExpositionFormat): string {
  const byMetric = Map.groupBy(series, ({ metric }) => metric);
  let text = '';
  for (const [key, metric] of Object.entries(table)) {
    const { name, kind, help, exact = false } = metric;
    const family = kind === 'counter' && format.totalInFamily ? counterName(metric) : name;
    text += `# HELP ${family} ${format.help(help)}\n# TYPE ${family} ${exact ? format.exactCounter : kind}\n`;
    for (const one of byMetric.get(key) ?? []) text += WRITERS[kind](metric, one, format);
  }
  return text + format.end;
}

type Writer = (metric: Metric, series: Series, format: ExpositionFormat) => string;

const WRITERS: Readonly<Record<Metric['kind'], Writer>> = {
  counter: (metric, { labels, values: [value] }) => `${counterName(metric)}${braced(metric.labels, labels)} ${spell(value)}\n`,
  gauge: ({ name, labels }, { labels: values, values: [value] }) => `${name}${braced(labels, values)} ${spell(value)}\n`,
  histogram({ name, labels, bounds = [] }, { labels: own, values }, { number }) {
    let text = '';
    let count = 0;
    for (const [i, bound] of [...bounds, Infinity].entries()) {
      count += values[i];
      text += `${name}_bucket${braced([...labels, 'le'], [...own, bound === Infinity ? '+Inf' : number(bound)])} ${spell(count)}\n`;
    }
    return `${text}${name}_sum${braced(labels, own)} ${spell(values[bounds.length + 1])}\n${name}_count${braced(labels, own)} ${spell(count)}\n`;
  },
};

function counterName({ name, exact = false }: Metric): string {
  return exact ? name : `${name}_total`;
}

function braced(names: readonly string[], values: readonly string[]): string {
  return names.length === 0 ? '' : `{${names.map((name, i) => `${name}="${escapeLabel(values[i])}"`).join(',')}}`;
}

function spell(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

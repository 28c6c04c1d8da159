// Metrics of experiments: what they are called, and how their values and differences are written.

import { milliseconds, percent, plain, signed } from './number.ts';

/** How a metric is written. */
export interface MetricStyle {
  readonly name: string;
  readonly value: (value: number) => string;
  /** Of the difference to the first arm. */
  readonly difference: (value: number) => string;
  /** What a difference is, e.g. `percentage points`. */
  readonly unit: string;
}

const SHARE = {
  value: percent,
  difference: (value: number) => signed(percent(value).replace('%', 'pp'), value),
  unit: 'percentage points',
} as const;

const STYLES: Readonly<Record<string, MetricStyle>> = {
  error: { name: 'Errors', ...SHARE },
  abstain: { name: 'Abstained', ...SHARE },
  confidence: { name: 'Confidence', ...SHARE },
  latency_ms: {
    name: 'Latency',
    value: milliseconds,
    difference: (value) => signed(percent(value), value),
    unit: 'percent of the first arm',
  },
};

/** Order in which metrics are offered; outcomes follow. */
const ORDER: readonly string[] = ['latency_ms', 'error', 'confidence', 'abstain'];

/** How `metric` is written; outcomes by the name of their feedback. */
export function metricStyle(metric: string): MetricStyle {
  return (
    STYLES[metric] ?? {
      name: metric.replace(/^outcome\./, 'Outcome: '),
      value: plain,
      difference: (value) => signed(plain(value), value),
      unit: 'the outcome’s own unit',
    }
  );
}

/** Metrics in the order that people look at them. */
export function orderMetrics(metrics: Iterable<string>): readonly string[] {
  const place = (metric: string): number => (ORDER.includes(metric) ? ORDER.indexOf(metric) : ORDER.length);
  return [...new Set(metrics)].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

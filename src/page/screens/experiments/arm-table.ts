// The arms side by side, as they stand now.

import type { ArmReport, ExperimentReport } from '../../../contract/experiment-report.ts';
import { h, s, type Child } from '../../dom/element.ts';
import { mark } from '../../charts/mark.ts';
import { metricStyle, orderMetrics } from '../../format/metric.ts';
import { milliseconds, percent, whole } from '../../format/number.ts';
import { table, type Column } from '../../parts/table.ts';

/** The table; the holdout is its last row. */
export function armTable({ arms, holdout }: ExperimentReport): HTMLElement {
  const rows = [...arms, ...(holdout === undefined ? [] : [holdout])];
  const metrics = orderMetrics(rows.flatMap((arm) => Object.keys(arm.metrics))).filter((metric) => metric !== 'latency_ms');
  const columns: readonly Column<ArmReport>[] = [
    { name: 'Arm', cell: (arm) => armName(arm, arms.indexOf(arm)) },
    { name: 'Share', cell: ({ weight }) => (weight === null ? '–' : percent(weight)), numeric: true },
    { name: 'Users', cell: ({ units }) => whole(units), numeric: true },
    { name: 'Requests', cell: ({ exposures }) => whole(exposures), numeric: true },
    { name: 'Failed', cell: ({ failures }) => whole(failures), numeric: true },
    { name: 'p50', cell: ({ latency_ms: { p50 } }) => orDash(p50, milliseconds), numeric: true },
    { name: 'p95', cell: ({ latency_ms: { p95 } }) => orDash(p95, milliseconds), numeric: true },
    ...metrics.map((metric): Column<ArmReport> => ({
      name: metricStyle(metric).name,
      cell: (arm) => intervalText(arm, metric),
      numeric: true,
    })),
  ];
  return table({ caption: 'Arms as they stand now; in brackets the interval that holds at every look, at 95 %', columns, rows });
}

function armName({ name }: ArmReport, place: number): Child {
  if (place < 0) return name;
  return h(
    'span',
    { class: 'row-tight whole' },
    s('svg', { width: 14, height: 14, viewBox: '-7 -7 14 14', 'aria-hidden': 'true' }, mark(place, 0, 0)),
    name,
  );
}

function intervalText({ metrics }: ArmReport, metric: string): Child {
  const known = metrics[metric];
  if (known === undefined || known.estimate === null) return '–';
  const { value } = metricStyle(metric);
  const range = known.low === null || known.high === null ? 'no bound yet' : `${value(known.low)} to ${value(known.high)}`;
  return h('span', {}, value(known.estimate), h('span', { class: 'quiet block' }, `[${range}]`));
}

function orDash(value: number | null, format: (value: number) => string): string {
  return value === null ? '–' : format(value);
}

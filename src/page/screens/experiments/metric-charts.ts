// One metric at a time: each arm's estimate over time, and each arm's difference to the first.

import type { ExperimentHistory, ExperimentReport } from '../../../contract/experiment-report.ts';
import { intervalChart } from '../../charts/interval-chart.ts';
import { h } from '../../dom/element.ts';
import { metricStyle, orderMetrics } from '../../format/metric.ts';
import { counted } from '../../format/number.ts';
import { card } from '../../parts/card.ts';
import { empty } from '../../parts/empty.ts';
import { segmented } from '../../parts/segmented.ts';
import { armSeries, differenceSeries } from './series.ts';
import { verdict } from './verdict.ts';

/** The charts. @param chosen keeps what was chosen */
export function metricCharts(report: ExperimentReport, history: ExperimentHistory, nowMs: number, chosen: { metric: string }): HTMLElement {
  const metrics = orderMetrics(report.arms.flatMap((arm) => Object.keys(arm.metrics)));
  if (metrics.length === 0)
    return card('Over time', {}, empty('Nothing measured yet', 'Requests of enrolled users appear here within seconds.'));
  const place = h('div', { class: 'chart-pair' });
  const show = (metric: string): void => {
    chosen.metric = metric;
    place.replaceChildren(...chartsOf(report, history, metric, nowMs));
  };
  show(metrics.includes(chosen.metric) ? chosen.metric : metrics[0]);
  return card(
    'Over time',
    {},
    segmented({
      id: 'metric',
      label: 'Metric',
      choices: metrics.map((value) => ({ value, text: metricStyle(value).name })),
      chosen: chosen.metric,
      changed: show,
    }),
    place,
  );
}

function chartsOf(report: ExperimentReport, history: ExperimentHistory, metric: string, nowMs: number): readonly HTMLElement[] {
  const style = metricStyle(metric);
  const [control] = report.arms;
  const own = armSeries(report, history, metric, nowMs);
  const samples = report.arms.map(({ name, metrics }) => `${name} ${counted(metrics[metric]?.samples ?? 0, 'sample')}`).join(', ');
  const differences = differenceSeries(report, history, metric, nowMs);
  const verdicts = report.differences.filter((one) => one.metric === metric).map((one) => verdict(one.arm, control.name, one, style));
  return [
    intervalChart({ id: `arms-${metric}`, title: style.name, summary: samples, series: own, format: style.value }),
    ...(differences.length === 0
      ? []
      : [
          intervalChart({
            id: `differences-${metric}`,
            title: `Difference to ${control.name}, in ${style.unit}`,
            summary: verdicts.join(' '),
            series: differences,
            format: style.difference,
            zero: true,
          }),
        ]),
  ];
}

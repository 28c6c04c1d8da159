// Data that users bring: `tasks.json` and JSONL rows, as `eval --data DIR` reads them.

import * as z from 'zod/mini';

/** Names of the metrics of core/metrics. */
export const MetricName = z.enum(['accuracy', 'matthews_correlation', 'f1_accuracy_mean', 'macro_f1', 'pearson_spearman_mean']);
export type MetricName = z.infer<typeof MetricName>;

/** One task of `tasks.json`; fields that eval does not use are allowed. */
export const Task = z.object({
  labels: z.nullable(z.array(z.string())),
  metric: MetricName,
  /** Lowest and highest value of a regression. */
  range: z.optional(z.tuple([z.number(), z.number()])),
});
export type Task = z.infer<typeof Task>;

/** `tasks.json`. */
export const Tasks = z.record(z.string(), Task);

/** A row of data with its label: an index or a number. */
export const Row = z.object({ text: z.string(), text_pair: z.optional(z.string()), label: z.number() });
export type Row = z.infer<typeof Row>;

/** A router example; the label is not used. */
export const Example = z.object({ text: z.string(), text_pair: z.optional(z.string()), label: z.optional(z.number()) });
export type Example = z.infer<typeof Example>;

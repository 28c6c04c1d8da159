// docs/quality.md from the figures of quality.bench.ts.

import type { Evaluation } from '../../../src/core/evaluate.ts';
import type { MergeFigures, QualityReport, TestFigures } from '../quality.bench.ts';
import { markdownTable } from './markdown-table.ts';
import { describeFacts } from './run-facts.ts';

/** The page. */
export function qualityMarkdown(report: QualityReport): string {
  const { engine, seed, commits, facts, validation, lambdas, chosen, storage, test, tolerance } = report;
  const parts = [
    '# Quality of the sample pack',
    'Written by `node scripts/bench/quality.bench.ts`. Scores are percent of each expert’s own score (θ_t itself in fp32, on the same rows), averaged over the eight tasks. ' +
      '*Oracle*: the row’s own expert is mixed in, with its head. *Shared*: the shared model alone, with the right head. *Routed*: mix and head as the router chose them; an answer by ' +
      'another expert counts as wrong.',
    `Run: ${describeFacts(facts)}. Built on ${engine}, seed ${seed}. Figures computed at ${commits.join(', ')}.`,
    '## λ, on validation rows',
    `Task Arithmetic, rank 16, int8; ${validation.limit} validation rows a task at most, drawn by the seed, ${validation.rows} in all. Chosen: **λ = ${chosen}**. ` +
      `The rule was set beforehand: of the λ whose oracle route is within ${tolerance} points of the best, the one whose shared model alone is best. At λ = 0 the oracle route loses ` +
      'nothing but quantisation, since an exclusive module is then the whole adapter, yet the shared model is the base, and a request on which the router abstains gets an answer of no worth.',
    markdownTable(
      ['λ', 'oracle', 'shared alone', ''],
      lambdas.map((row) => [String(row.lambda), percent(row.oracle), percent(row.shared), row.lambda === chosen ? 'chosen' : '']),
    ),
    '## Rank and quantisation, on validation rows',
    `At λ = ${chosen}; the pack’s size includes the shared model and the tokenizer.`,
    markdownTable(['rank', 'factors', 'oracle', 'shared alone', 'pack MB'], storage.map(storageRow)),
    ...(test === undefined ? [] : testParts(test.routers, test.limit, chosen)),
    '## What these figures do not say',
    [
      '- One seed, one base, eight adapters of rank 16. Full fine-tunes were not measured.',
      `- With ${validation.limit} rows of a task an accuracy of 0.9 has a standard error of ${standardError(validation.limit, 1)} points, an average over eight tasks one of about ` +
        `${standardError(validation.limit, 8)}: neighbours in the first two tables are not told apart as levels.`,
      '- A low score makes a jumpy ratio: CoLA’s expert has a Matthews correlation of about 0.2, and with 200 rows one more right answer raised the average over all tasks by half a point. ' +
        'The tables by task tell what moved.',
      '- The same rows judge all merges, so differences between merges are better known than levels. The test rows were looked at for the chosen λ only.',
      '- Averages in percent of the experts hide that a task may gain where another loses; the table by task shows it.',
      '- The training rows of the second router are of the same data sets as the test rows. The first router’s examples were written for this project and come from none of them.',
    ].join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}

function storageRow({ rank, quantize, oracle, shared, packBytes }: MergeFigures): string[] {
  return [String(rank), quantize, percent(oracle), percent(shared), (packBytes / 1e6).toFixed(2)];
}

function testParts(routers: readonly TestFigures[], limit: number | null, chosen: number): string[] {
  return [
    '## The chosen pack, on test rows',
    `λ = ${chosen}, rank 16, int8; ${limit === null ? 'all test rows' : `${limit} test rows a task, drawn by the seed`}.`,
    markdownTable(
      ['router learned from', 'rows', 'routing accuracy', 'shared alone', 'oracle', 'routed'],
      routers.map(({ router, rows, evaluation: { normalised, routing_accuracy: accuracy } }) => [
        router,
        String(rows),
        accuracy.toFixed(4),
        percent(normalised.shared),
        percent(normalised.oracle),
        percent(normalised.routed),
      ]),
    ),
    ...routers.flatMap(({ router, evaluation }) => [`By task, router from ${router}:`, taskTable(evaluation)]),
  ];
}

function taskTable({ tasks }: Evaluation): string {
  return markdownTable(
    ['task', 'metric', 'rows', 'individual', 'shared alone', 'oracle', 'routed', 'routed to own'],
    Object.entries(tasks).map(([name, { metric, rows, individual, shared, oracle, routed, routed_to_own: own }]) => [
      name,
      metric,
      String(rows),
      ...[individual, shared, oracle, routed, own].map((value) => value?.toFixed(4) ?? '–'),
    ]),
  );
}

/** Standard error of a mean of `tasks` accuracies of 0.9, in points. */
function standardError(rows: number, tasks: number): string {
  return (100 * Math.sqrt((0.9 * 0.1) / (rows * tasks))).toFixed(1);
}

function percent(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}

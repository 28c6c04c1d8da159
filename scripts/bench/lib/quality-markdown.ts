// docs/quality.md from the figures of quality.bench.ts.

import type { QualityReport } from '../quality.bench.ts';
import { markdownTable } from './markdown-table.ts';
import { KEPT, paperPoint, type CurvePoint } from './quality-curve.ts';
import { METHODS } from './quality-methods.ts';
import type { Score } from './quality-score.ts';
import type { CurveFigures, LambdaFigures, MethodFigures, WholeFigures } from './quality-study.ts';
import { describeFacts } from './run-facts.ts';

/**
 * The page.
 * @param plot file of the picture, beside the page
 */
export function qualityMarkdown(report: QualityReport, plot: string): string {
  const { facts, commits, rows, limits, seeds, curve, lambdas, whole } = report;
  const [{ seed, methods }] = seeds;
  const testRows = limits.test === undefined ? 'all test rows' : `at most ${limits.test} test rows a task`;
  const parts = [
    '# Quality',
    'Written by `npm run bench:quality`. Eight LoRA experts of one small encoder ([`experts/`](../experts/README.md)) on the public data sets that they were made for. Scores are percent ' +
      'of each expert’s own score (θ_t itself in fp32, on the same rows), averaged over the eight tasks. *Oracle*: the row’s own expert answers. *Routed*: the expert that the router chose ' +
      'answers; an answer by another expert counts as wrong. CoLA’s score is a correlation near 0.3, where a few rows weigh much, so every mean stands with and without it.',
    `Run: ${describeFacts(facts)}. Computed at ${commits.join(', ')}; seed ${seed}.`,
    '## Every method',
    `Static and adaptive methods are the shared model alone under the head of the task; packs are served with their mixes. Settings were chosen on ${limits.validation} validation rows a ` +
      `task at most (${rows.validation} in all) by the oracle route without CoLA, from as many as the column says; test rows (${testRows}, ${rows.test} in all) saw the chosen setting alone. ` +
      `The router learned from up to ${rows.router.toLocaleString('en')} training rows a task, adaptive methods from ${rows.texts} unlabelled training texts a task. MB: weights as stored, ` +
      'without router and tokenizer.',
    methodTable(methods),
    ...missing(methods),
    'By task, on test rows, routed, each task’s own metric:',
    taskTable(methods),
    ...(seeds.length > 1 ? ['## What the targets compare, with more seeds', seedText(report), seedTable(report)] : []),
    ...curveParts(curve, limits.validation, plot),
    ...(whole.length === 0 ? [] : wholeParts(whole)),
    ...lambdaParts(lambdas),
    '## What these figures do not say',
    [
      '- One base, eight adapters of rank 16, two-core machines. Full fine-tunes were not measured.',
      `- With ${limits.validation} rows of a task an accuracy of 0.9 has a standard error of ${standardError(limits.validation, 1)} points, an average over eight tasks one of about ` +
        `${standardError(limits.validation, 8)}: neighbours in the curve are not told apart as levels. The same rows judge all, so differences are better known than levels.`,
      '- The grids are small: a method may do better at a setting that was not tried.',
      '- The router’s training rows are of the same data sets as the test rows. From the project’s own written examples alone it is right less often (0.95 instead of 0.99 of the test rows).',
    ].join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Names what the table lacks. */
function missing(methods: readonly MethodFigures[]): string[] {
  const names = METHODS.map(({ name }) => name).filter((name) => methods.every((one) => one.name !== name));
  const untested = methods.filter(({ test }) => test === undefined).map(({ name }) => name);
  return [
    ...(names.length === 0 ? [] : [`Not measured in this run: ${names.join(', ')}.`]),
    ...(untested.length === 0 ? [] : [`On validation rows alone: ${untested.join(', ')}.`]),
  ];
}

function methodTable(methods: readonly MethodFigures[]): string {
  return markdownTable(
    [
      'method',
      'kind',
      'setting',
      'of',
      'validation: oracle',
      'without CoLA',
      'test: oracle',
      'without CoLA',
      'routed',
      'without CoLA',
      'worst task, routed',
      'MB',
    ],
    methods.map(({ name, kind, chosen, settings, validation, test, bytes }) => [
      name,
      kind,
      chosen === '' ? '–' : chosen,
      kind === 'reference' ? '–' : String(settings),
      ...pair(validation.oracle),
      ...pair(test?.oracle),
      ...pair(test?.routed),
      test?.routed === undefined ? '–' : `${test.routed.worst.task} ${test.routed.worst.percent.toFixed(1)}`,
      megabytes(bytes),
    ]),
  );
}

function taskTable(methods: readonly MethodFigures[]): string {
  const measured = methods.flatMap(({ name, test }) => (test?.routed === undefined ? [] : [{ name, tasks: test.routed.tasks }]));
  const tasks = Object.keys(measured[0]?.tasks ?? {});
  return markdownTable(
    ['method', ...tasks],
    measured.map((row) => [row.name, ...tasks.map((task) => row.tasks[task].toFixed(4))]),
  );
}

function seedText({ seeds }: QualityReport): string {
  return (
    `Seeds ${seeds.map(({ seed }) => seed).join(', ')} draw validation rows, texts, router and whatever the method draws; settings are chosen anew for each. Test rows, oracle head and ` +
    'routed, mean without CoLA.'
  );
}

function seedTable({ seeds }: QualityReport): string {
  const [, second] = seeds;
  const names = second.methods.map(({ name }) => name);
  return markdownTable(
    ['method', ...seeds.map(({ seed }) => `seed ${seed}: setting, oracle, routed`)],
    names.map((name) => [
      name,
      ...seeds.map(({ methods }) => {
        const figures = methods.find((one) => one.name === name);
        const { oracle, routed } = figures?.test ?? {};
        return figures === undefined ? '–' : `${figures.chosen}: ${percent(oracle?.withoutCola)}, ${percent(routed?.withoutCola)}`;
      }),
    ]),
  );
}

function curveParts({ points, lambda, smallest }: CurveFigures, limit: number, plot: string): string[] {
  if (points.length === 0) return [];
  const paper = paperPoint(points);
  return [
    '## Twin over rank and quantisation',
    `Validation rows (${limit} a task at most), oracle route, Task Arithmetic as the shared model (λ ${lambda.shared} about the shared model; λ ${lambda.base} about the base, where a full mix ` +
      'does not depend on it). Sizes are those of all factors, the fade’s included. Adapters of rank 16 have no more than 16 components about the base, so that rank 32 is rank 16 there. ' +
      '*Budget* is the rank that its bytes would pay for everywhere, shared out among tensors and experts by energy per byte. *Same answers*: percent of the ' +
      'classified rows that the pack answers as the expert itself does; it moves less by chance than scores, which pass 100 where a changed answer happens to be right.',
    `![Percent of the experts against bytes](${plot})`,
    ...(['shared', 'base'] as const).flatMap((about) => [
      about === 'shared' ? '### About the shared model (the paper)' : '### About the base',
      curveTable(points.filter((point) => point.about === about)),
    ]),
    `### The smallest that keep ${KEPT} %`,
    smallest.length === 0 ? `None of these keeps ${KEPT} %.` : smallestTable(smallest, paper),
  ];
}

/** A row for each way to rank, with score and size at each quantisation. */
function curveTable(points: readonly CurvePoint[]): string {
  const quantizes = ['int4', 'int8', 'fp16'] as const;
  const ranks = [...new Set(points.map((point) => point.ranks))];
  return markdownTable(
    ['ranks', ...quantizes.flatMap((quantize) => [`${quantize}: all`, 'without CoLA', 'same answers', 'factors MB'])],
    ranks.map((name) => [
      name,
      ...quantizes.flatMap((quantize) => {
        const point = points.find((one) => one.ranks === name && one.quantize === quantize);
        return point === undefined
          ? ['–', '–', '–', '–']
          : [percent(point.all), percent(point.withoutCola), percent(point.same), megabytes(point.factorBytes)];
      }),
    ]),
  );
}

function smallestTable(smallest: CurveFigures['smallest'], paper: CurvePoint | undefined): string {
  return markdownTable(
    [
      'by',
      'pack',
      'validation: all',
      'without CoLA',
      'factors MB',
      'share of the paper’s way (rank 16, int8)',
      'test, oracle: all',
      'without CoLA',
      'test, routed: all',
      'without CoLA',
    ],
    smallest.map(({ of, point, test }) => [
      of === 'all' ? 'all tasks' : 'without CoLA',
      `about the ${point.about === 'base' ? 'base' : 'shared model'}, ${point.ranks}, ${point.quantize}`,
      percent(point.all),
      percent(point.withoutCola),
      megabytes(point.factorBytes),
      paper === undefined ? '–' : `${((100 * point.factorBytes) / paper.factorBytes).toFixed(1)} %`,
      ...pair(test?.oracle),
      ...pair(test?.routed),
    ]),
  );
}

function wholeParts(whole: readonly WholeFigures[]): string[] {
  return [
    '## On all test rows',
    'With the router of the first table, in the order in which test rows were looked at: the paper’s way, which the sample pack was before; the pack of the curve that had the best validation mean of those ' +
      'below 8 MB beside the shared model; and what the sample pack is now, chosen of the same curve by its share of same answers on validation rows, which chance moves less. Of the three the last was chosen ' +
      'after the first two had been seen on test rows, by validation rows alone.',
    markdownTable(
      ['pack', 'MB on top', 'oracle', 'without CoLA', 'routed', 'without CoLA', 'routing accuracy'],
      whole.map(({ setting, own: { oracle, routed, routingAccuracy }, extraBytes }) => [
        setting,
        megabytes(extraBytes),
        ...pair(oracle),
        ...pair(routed),
        routingAccuracy?.toFixed(4) ?? '–',
      ]),
    ),
    ...whole.flatMap(({ setting, individual, own: { oracle, routed } }) => [
      `By task, ${setting}:`,
      markdownTable(
        ['task', 'expert itself', 'oracle', 'routed'],
        Object.entries(oracle.tasks).map(([task, value]) => [
          task,
          ...[individual.oracle.tasks[task], value, routed?.tasks[task]].map((score) => score?.toFixed(4) ?? '–'),
        ]),
      ),
    ]),
  ];
}

function pair(score: Score | undefined): [string, string] {
  return [percent(score?.all), percent(score?.withoutCola)];
}

function lambdaParts(lambdas: readonly LambdaFigures[]): string[] {
  if (lambdas.every(({ base }) => base === undefined)) return [];
  return [
    '## λ of the shared model',
    'What an empty mix answers on validation rows, without CoLA: the shared model alone (a router that abstains), about the base at rank 16 in int8, where the fade truncates it. About the base ' +
      'a full mix does not depend on λ, so that λ is free to make this answer the best.',
    markdownTable(
      ['λ', 'about the shared model', 'about the base'],
      lambdas.map(({ lambda, shared, base }) => [String(lambda), percent(shared), percent(base)]),
    ),
  ];
}

/** Standard error of a mean of `tasks` accuracies of 0.9, in points. */
function standardError(rows: number, tasks: number): string {
  return (100 * Math.sqrt((0.9 * 0.1) / (rows * tasks))).toFixed(1);
}

function percent(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(2);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

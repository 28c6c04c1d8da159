// A router's confusions and its calibration, as pictures with their numbers.

import { curveError, type CalibrationBin } from '../core/routing/calibration-curve.ts';
import { wilsonInterval } from '../core/wilson-interval.ts';
import type { Block, Figure, Table } from './document.ts';
import { heatMap } from './plot/heat-map.ts';
import { reliabilityDiagram } from './plot/reliability.ts';
import { count, percent } from './spell.ts';

/** A larger matrix is no picture any more; its commonest confusions are listed instead. */
const MAX_MATRIX = 24;
const COMMONEST = 20;

/** What a router took for what, and how sure it was. */
export interface RouterFindings {
  /** Names of the classes that rows are of. */
  readonly truth: readonly string[];
  /** Names of the classes that may be answered. */
  readonly answered: readonly string[];
  /** Rows by true and answered class, `[truth][answered]`. */
  readonly confusion: readonly (readonly number[])[];
  readonly curve: readonly CalibrationBin[];
}

/** Pictures side by side, then the same as tables. */
export function routerBlocks(findings: RouterFindings): Block[] {
  const isSmall = findings.truth.length <= MAX_MATRIX && findings.answered.length <= MAX_MATRIX;
  return [
    { kind: 'figures', figures: [...(isSmall ? [confusionFigure(findings)] : []), calibrationFigure(findings)] },
    isSmall ? confusionTable(findings) : commonestTable(findings),
    curveTable(findings),
  ];
}

function confusionFigure({ truth, answered, confusion }: RouterFindings): Figure {
  const total = confusion.flat().reduce((sum, rows) => sum + rows, 0);
  const right = truth.reduce((sum, name, r) => sum + (confusion[r][answered.indexOf(name)] ?? 0), 0);
  return {
    svg: heatMap({
      title: 'Confusion matrix of the router',
      description: `${count(right)} of ${count(total)} rows went to their own expert; rows by what they are, columns by what they were taken for.`,
      rows: truth,
      columns: answered,
      rowTitle: 'rows of',
      columnTitle: 'answered by',
      cells: confusion.map((row, r) => {
        const all = row.reduce((sum, rows) => sum + rows, 0);
        return row.map((rows, c) => {
          const isRight = truth[r] === answered[c];
          return {
            text: rows === 0 ? '' : String(rows),
            // A few wrong rows of many are what one looks for, so that they are never faint.
            shade: rows === 0 ? 0 : isRight ? rows / all : 0.3 + 0.7 * Math.sqrt(rows / all),
            tone: isRight ? ('a' as const) : ('b' as const),
            hint: `${count(rows)} of ${count(all)} rows of ${truth[r]} went to ${answered[c]}`,
          };
        });
      }),
    }),
    caption: `${count(right)} of ${count(total)} rows to their own expert; blue is right, orange is not`,
  };
}

function calibrationFigure({ curve }: RouterFindings): Figure {
  const error = percent(curveError(curve));
  return {
    svg: reliabilityDiagram(curve, {
      title: 'Calibration of the router',
      description: `Stated probability against the share of rows that are right, in bins of equal width with 95 % intervals; calibration error ${error}.`,
    }),
    caption: `Calibration error ${error}; area: rows, lines: 95 % intervals`,
  };
}

function confusionTable({ truth, answered, confusion }: RouterFindings): Table {
  return {
    kind: 'table',
    fold: 'Confusion matrix as a table',
    head: ['rows of \\ answered by', ...answered],
    rows: confusion.map((row, r) => [truth[r], ...row.map(count)]),
  };
}

function commonestTable({ truth, answered, confusion }: RouterFindings): Table {
  const wrong = confusion.flatMap((row, r) =>
    row.flatMap((rows, c) => (rows > 0 && truth[r] !== answered[c] ? [{ of: truth[r], to: answered[c], rows }] : [])),
  );
  return {
    kind: 'table',
    head: ['rows of', 'answered by', 'rows'],
    textColumns: [0, 1],
    rows: wrong
      .toSorted((a, b) => b.rows - a.rows)
      .slice(0, COMMONEST)
      .map(({ of, to, rows }) => [of, to, count(rows)]),
  };
}

function curveTable({ curve }: RouterFindings): Table {
  return {
    kind: 'table',
    fold: 'Calibration as a table',
    head: ['stated, mean', 'right', '95 % interval', 'rows'],
    textColumns: [],
    rows: curve.map(({ rows, confidence, accuracy }) => [
      percent(confidence),
      percent(accuracy),
      wilsonInterval(accuracy * rows, rows)
        .map(percent)
        .join(' to '),
      count(rows),
    ]),
  };
}

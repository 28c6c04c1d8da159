// What the quality bench measures, and its figures once that is kept: validation rows choose each method's setting, test rows see the chosen
// ones alone.

import { curveConfigs, smallest, type CurvePoint } from './quality-curve.ts';
import type { Answers, Lab } from './quality-lab.ts';
import { METHODS, REFERENCES, TASK_ARITHMETIC, twin, WHOLE, type MethodRow, type Setting } from './quality-methods.ts';
import type { Subject } from './quality-models.ts';
import type { QualityRows } from './quality-rows.ts';
import { agreement, scoresOf, type Scores } from './quality-score.ts';

/** The rows of one seed. */
export interface SeedRows {
  readonly seed: number;
  readonly validation: QualityRows;
  readonly test: QualityRows;
  /** All test rows. */
  readonly whole: QualityRows;
}

/** A subject to be asked. */
export interface Question {
  readonly subject: Subject;
  readonly rows: QualityRows;
  readonly seed: number;
}

/** A method's line. */
export interface MethodFigures {
  readonly name: string;
  readonly kind: MethodRow['kind'];
  /** How many settings validation rows chose from. */
  readonly settings: number;
  readonly chosen: string;
  readonly validation: Scores;
  /** Absent where it was not measured. */
  readonly test: Scores | undefined;
  readonly bytes: number;
  readonly mergeSeconds: number;
}

/** The curve with what it says. */
export interface CurveFigures {
  readonly points: readonly CurvePoint[];
  readonly lambda: Readonly<Record<'shared' | 'base', number>>;
  /** The smallest packs that keep enough, with and without CoLA, and their test rows. */
  readonly smallest: readonly { readonly of: 'all' | 'withoutCola'; readonly point: CurvePoint; readonly test: Scores | undefined }[];
}

/** What λ does to answers of an empty mix, without CoLA, on validation rows: about the shared model, and about the base at rank 16 in int8. */
export interface LambdaFigures {
  readonly lambda: number;
  readonly shared: number | undefined;
  readonly base: number | undefined;
}

/** A pack on all test rows, beside the experts themselves. */
export interface WholeFigures {
  readonly setting: string;
  readonly individual: Scores;
  readonly own: Scores;
  readonly extraBytes: number;
}

/** Rows whose comparison the targets state: measured with every seed. */
const CLAIMED = ['task_arithmetic', 'ada_merging_layer', 'wemoe', 'e_wemoe', 'twin about the base'];
const INDIVIDUAL: Subject = { kind: 'individual' };
const LAMBDAS = [0.1, 0.2, 0.3, 0.4, 0.5];
/** λ of the curve about the shared model, by the oracle route on validation rows. */
const CURVE_LAMBDA = 0.1;

function emptyMix(lambda: number): Subject {
  return { kind: 'empty mix', config: twin({ about: 'base', lambda, rank: 16, quantize: 'int8' }) };
}

/** A study over kept answers. */
export interface Study {
  /** What rows are asked: every setting, then the curve, then what validation rows chose so far, then two packs all test rows. */
  readonly questions: Readonly<Record<'validation' | 'curve' | 'test' | 'whole', () => Promise<Question[]>>>;
  methods(seed: number): Promise<MethodFigures[]>;
  curve(): Promise<CurveFigures>;
  lambdas(): Promise<LambdaFigures[]>;
  /** What was measured on all test rows. */
  whole(): Promise<WholeFigures[]>;
}

/**
 * The study of methods named in `only`, or of all.
 * @param seeds the first one's rows make the tables
 */
export function createStudy(lab: Lab, seeds: readonly SeedRows[], only: readonly string[] | undefined): Study {
  const [main] = seeds;
  const isWanted = (name: string): boolean => only === undefined || only.includes(name);
  const rowsOf = (seed: SeedRows): MethodRow[] =>
    [...REFERENCES, ...METHODS]
      .filter(({ name }) => isWanted(name) && (seed === main || CLAIMED.includes(name)))
      .map((row) => ({ ...row, settings: row.settings.filter((setting) => seed === main || setting.long !== true) }));

  const score = async (
    subject: Subject,
    rows: QualityRows,
    seed: number,
  ): Promise<{ scores: Scores; answers: Answers; same: number } | undefined> => {
    const [answers, individual, routes] = [
      await lab.answers(subject, rows, seed),
      await lab.answers(INDIVIDUAL, rows, seed),
      await lab.routes(rows, seed),
    ];
    if (answers === undefined || individual === undefined) return undefined;
    return { scores: scoresOf(rows, answers, individual, routes), answers, same: agreement(rows, answers, individual) };
  };

  /** The setting with the best oracle route without CoLA, whose 200 rows tell nothing of a few points. */
  const choose = async (
    { settings }: MethodRow,
    { validation, seed }: SeedRows,
  ): Promise<{ setting: Setting; scores: Scores } | undefined> => {
    let best: { setting: Setting; scores: Scores } | undefined;
    for (const setting of settings) {
      const scored = await score(setting.subject, validation, seed);
      if (scored === undefined) continue;
      if (best === undefined || scored.scores.oracle.withoutCola > best.scores.oracle.withoutCola)
        best = { setting, scores: scored.scores };
    }
    return best;
  };

  const lambdas = async (): Promise<CurveFigures['lambda']> => {
    const alone = await choose(TASK_ARITHMETIC, main);
    const chosen = Number(alone?.setting.label.split(' ')[1]);
    return { shared: CURVE_LAMBDA, base: Number.isFinite(chosen) ? chosen : 0.3 };
  };

  const curvePoints = async (): Promise<{ point: CurvePoint; subject: Subject }[]> => {
    const points: { point: CurvePoint; subject: Subject }[] = [];
    for (const { config, subject: fast, ...facts } of curveConfigs(await lambdas())) {
      const subject: Subject = { kind: 'pack', config };
      const scored = await score(fast, main.validation, main.seed);
      if (scored === undefined) continue;
      const { bytes, extraBytes, factorBytes } = scored.answers;
      const { all, withoutCola } = scored.scores.oracle;
      points.push({ point: { ...facts, factorBytes, extraBytes, bytes, all, withoutCola, same: scored.same }, subject });
    }
    return points;
  };

  const smallestSubjects = async (): Promise<{ of: 'all' | 'withoutCola'; point: CurvePoint; subject: Subject }[]> => {
    const points = await curvePoints();
    return (['all', 'withoutCola'] as const).flatMap((of) => {
      const point = smallest(
        points.map((one) => one.point),
        (one) => one[of],
      );
      const found = points.find((one) => one.point === point);
      return found === undefined ? [] : [{ of, ...found }];
    });
  };

  /** Of every seed the experts themselves and its methods. */
  const ask = async (
    split: 'validation' | 'test',
    subjectsOf: (row: MethodRow, seed: SeedRows) => Promise<readonly Subject[]>,
  ): Promise<Question[]> => {
    const questions: Question[] = [];
    for (const seed of seeds) {
      const subjects: Subject[] = [INDIVIDUAL];
      for (const row of rowsOf(seed)) subjects.push(...(await subjectsOf(row, seed)));
      questions.push(...subjects.map((subject) => ({ subject, rows: seed[split], seed: seed.seed })));
    }
    return questions;
  };

  return {
    questions: {
      validation: () => ask('validation', (row) => Promise.resolve(row.settings.map(({ subject }) => subject))),
      async curve() {
        if (!isWanted('curve')) return [];
        const configs = curveConfigs(await lambdas());
        const subjects = [...configs.map(({ subject }) => subject), ...LAMBDAS.map(emptyMix)];
        return subjects.map((subject) => ({ subject, rows: main.validation, seed: main.seed }));
      },
      async test() {
        const questions = await ask('test', async (row, seed) => {
          const chosen = await choose(row, seed);
          return chosen === undefined ? [] : [chosen.setting.subject];
        });
        if (isWanted('curve'))
          for (const { subject } of await smallestSubjects()) questions.push({ subject, rows: main.test, seed: main.seed });
        return questions;
      },
      whole() {
        const subjects = isWanted('whole') ? [INDIVIDUAL, ...WHOLE.settings.map(({ subject }) => subject)] : [];
        return Promise.resolve(subjects.map((subject) => ({ subject, rows: main.whole, seed: main.seed })));
      },
    },

    async methods(seed) {
      const own = seeds.find((one) => one.seed === seed) ?? main;
      const figures: MethodFigures[] = [];
      for (const row of rowsOf(own)) {
        const chosen = await choose(row, own);
        if (chosen === undefined) continue;
        const test = await score(chosen.setting.subject, own.test, own.seed);
        const answers = test?.answers ?? (await lab.answers(chosen.setting.subject, own.validation, own.seed));
        figures.push({
          name: row.name,
          kind: row.kind,
          settings: row.settings.length,
          chosen: chosen.setting.label,
          validation: chosen.scores,
          test: test?.scores,
          bytes: answers?.bytes ?? Number.NaN,
          mergeSeconds: answers?.mergeSeconds ?? Number.NaN,
        });
      }
      return figures;
    },

    async curve() {
      const found: CurveFigures['smallest'][number][] = [];
      for (const { of, point, subject } of await smallestSubjects())
        found.push({ of, point, test: (await score(subject, main.test, main.seed))?.scores });
      return { points: (await curvePoints()).map(({ point }) => point), lambda: await lambdas(), smallest: found };
    },

    async lambdas() {
      const figures: LambdaFigures[] = [];
      const kept = async (subject: Subject): Promise<number | undefined> =>
        (await score(subject, main.validation, main.seed))?.scores.oracle.withoutCola;
      for (const lambda of LAMBDAS) {
        const alone = TASK_ARITHMETIC.settings.find(({ label }) => label === `lambda ${lambda}`);
        figures.push({ lambda, shared: alone && (await kept(alone.subject)), base: await kept(emptyMix(lambda)) });
      }
      return figures;
    },

    async whole() {
      const individual = await score(INDIVIDUAL, main.whole, main.seed);
      const figures: WholeFigures[] = [];
      for (const { label, subject } of WHOLE.settings) {
        const own = await score(subject, main.whole, main.seed);
        if (individual !== undefined && own !== undefined)
          figures.push({ setting: label, individual: individual.scores, own: own.scores, extraBytes: own.answers.extraBytes });
      }
      return figures;
    },
  };
}

// Twin packs over rank and quantisation: the configs of the curve, and the smallest pack that keeps enough.

import type { ConfigPatch, Subject } from './quality-models.ts';
import type { RankChoice } from './quality-ranks.ts';
import { twin } from './quality-methods.ts';

/** Percent of the experts that a pack has to keep. */
export const KEPT = 99;
/** The paper's way, whose factors others are measured by: this config of the curve. */
export const PAPER = { about: 'shared', ranks: 'rank 16', quantize: 'int8' } as const;

/** A config of the curve. */
export interface CurveConfig {
  readonly about: 'shared' | 'base';
  /** Which rule gives the ranks, in words. */
  readonly ranks: string;
  readonly rule: 'rank' | 'energy' | 'budget';
  readonly quantize: 'int4' | 'int8' | 'fp16';
  readonly subject: Subject;
  /** The same as a build config. */
  readonly config: ConfigPatch;
}

/** A measured config. */
export interface CurvePoint extends Omit<CurveConfig, 'config' | 'subject'> {
  readonly factorBytes: number;
  /** On top of one model in fp16: factors, fade and heads. */
  readonly extraBytes: number;
  readonly bytes: number;
  /** Percent of the experts on validation rows, oracle route, with and without CoLA. */
  readonly all: number;
  readonly withoutCola: number;
  /** Percent of the classified rows that are answered as by the expert itself. */
  readonly same: number;
}

/**
 * The curve's configs.
 * @param lambda of Task Arithmetic, for modules about the shared model and about the base
 */
export function curveConfigs(lambda: Readonly<Record<CurveConfig['about'], number>>): CurveConfig[] {
  const configs: CurveConfig[] = [];
  for (const about of ['base', 'shared'] as const) {
    const add = (rule: CurveConfig['rule'], ranks: string, quantize: CurveConfig['quantize'], choice: RankChoice): void => {
      const subject: Subject = { kind: 'cut', about, lambda: lambda[about], quantize, choice };
      configs.push({ about, rule, ranks, quantize, subject, config: twin({ about, lambda: lambda[about], quantize, ...choice }) });
    };
    // About the base the sample's adapters of rank 16 have no more components.
    for (const rank of about === 'base' ? [1, 2, 4, 8, 16] : [1, 2, 4, 8, 16, 32]) {
      for (const quantize of ['int4', 'int8', 'fp16'] as const) add('rank', `rank ${rank}`, quantize, { rank });
    }
    for (const energy of [0.9, 0.99]) add('energy', `energy ${energy}`, 'int8', { energy });
    for (const average of about === 'base' ? [2, 3, 4, 6, 8, 12] : [4]) {
      for (const quantize of ['int4', 'int8'] as const) add('budget', `budget ${average}`, quantize, { budget: { average_rank: average } });
    }
  }
  // What is least likely to differ comes last: a run that is stopped lacks that.
  return configs.toSorted((a, b) => Number(a.quantize === 'fp16') - Number(b.quantize === 'fp16'));
}

/** The smallest point that keeps enough. */
export function smallest(points: readonly CurvePoint[], kept: (point: CurvePoint) => number): CurvePoint | undefined {
  return points.filter((point) => kept(point) >= KEPT).toSorted((a, b) => a.extraBytes - b.extraBytes)[0];
}

/** The paper's way among the points. */
export function paperPoint(points: readonly CurvePoint[]): CurvePoint | undefined {
  return points.find(({ about, ranks, quantize }) => about === PAPER.about && ranks === PAPER.ranks && quantize === PAPER.quantize);
}

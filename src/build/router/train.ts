// From examples to the light router: features, a fit on most rows that is measured and calibrated on the others, and a fit on all of
// them that is shipped, because users have few examples and 10 % more of them are worth 0.3 points of accuracy.

import { TwinrouteError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { accuracy, assess, calibrationError, fitTemperature, type Assessment, type ScoredRows } from '../../core/routing/calibrate.ts';
import { createExtractor } from '../../core/routing/features.ts';
import type { RouterFeatures } from '../../contract/manifest.ts';
import type { Engine } from '../engine/engine.ts';
import { type QuantizedNetwork, exportNetwork, quantizeNetwork } from './export.ts';
import { fitNetwork } from './fit.ts';
import { logitsOf } from './network.ts';
import { stratifiedSplit } from './split.ts';

/** An example with the expert that should answer it. */
export interface RouterRow {
  readonly text: string;
  readonly text_pair?: string | undefined;
  /** Index of the class. */
  readonly expert: number;
}

/** What training needs. */
export interface TrainOptions {
  /** How many experts there are. */
  readonly classes: number;
  readonly seed: number;
  readonly progress: Progress;
}

/** A router with what is known of it. */
export interface TrainedRouter {
  /** router.onnx */
  readonly model: Uint8Array;
  readonly features: RouterFeatures;
  /** Rows that the measured network learned from, and rows that it was measured on. The shipped one learned from both. */
  readonly rows: { readonly train: number; readonly held_back: number };
  /** Fitted on the held-back rows; 1 without any. */
  readonly temperature: number;
  /** Share of the held-back rows whose best score is the right expert; 0 without any. */
  readonly accuracy: number;
  /** Of the held-back rows under `temperature`. */
  readonly calibration_error: number;
  /** On the held-back rows under `temperature`; undefined without any. */
  readonly assessment: Assessment | undefined;
}

/** Features of every pack: 65,536 buckets do as well as 131,072, and 512 units tell a text's kind. */
export const FEATURES: RouterFeatures = { version: 1, buckets: 1 << 16, word_ngrams: 2, char_ngrams: [2, 4], max_chars: 512 };

/** Share of rows that the measured network never sees, so that temperature and accuracy are honest. */
const HELD_BACK = 0.1;

/**
 * Trains a light router. Same rows, seed and engine give the same bytes.
 * @throws {TwinrouteError} `config` when a class has no row
 */
export async function trainRouter(
  { tf }: Pick<Engine, 'tf'>,
  rows: readonly RouterRow[],
  { classes, seed, progress }: TrainOptions,
): Promise<TrainedRouter> {
  const labels = rows.map((row) => row.expert);
  for (let t = 0; t < classes; t++) {
    if (!labels.includes(t))
      throw new TwinrouteError('config', `router: expected examples of every expert, got none of expert ${t}`, {
        param: `models[${t}].examples`,
      });
  }
  const extract = createExtractor(FEATURES);
  const bags = rows.map((row) => extract(row.text, row.text_pair));
  const fit = async (indices: readonly number[]): Promise<QuantizedNetwork> => {
    const fitRows = { bags: indices.map((i) => bags[i]), labels: indices.map((i) => labels[i]) };
    return quantizeNetwork(await fitNetwork(tf, fitRows, { buckets: FEATURES.buckets, classes, seed, progress }));
  };
  const { train, heldBack } = stratifiedSplit(labels, HELD_BACK, seed);
  const { network: measured } = await fit(train);
  const scored: ScoredRows = { logits: heldBack.map((i) => logitsOf(measured, bags[i])), classes: heldBack.map((i) => labels[i]) };
  const temperature = fitTemperature(scored);
  return {
    model: exportNetwork(await fit([...rows.keys()])),
    features: FEATURES,
    rows: { train: train.length, held_back: heldBack.length },
    temperature,
    accuracy: accuracy(scored),
    calibration_error: calibrationError(scored, temperature),
    assessment: heldBack.length === 0 ? undefined : assess(scored, classes, temperature),
  };
}

// The paper's own router: a perceptron on the mean-pooled hidden states of the shared model. The origin runs it, where those states are.
// Source: Lu et al. 2024, "Twin-Merging", arXiv:2406.15479, and its published code: 2d → 2d with batch normalisation, leaky rectifiers
// and dropout 0.5, AdamW at 5e-4 without decay (the trainer's default), which is Adam.
// Deviates: epochs are chosen on held-back rows, and batches are smaller, because users have fewer rows.

import { TwinrouteError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { createRandom } from '../../core/random.ts';
import { accuracy, assess, fitTemperature, negativeLogLikelihood, type Assessment, type ScoredRows } from '../../core/routing/calibrate.ts';
import type { FloatTensor } from '../../core/tensor.ts';
import type { Engine } from '../engine/engine.ts';
import { createPerceptronFit, type VectorRows } from './fit-perceptron.ts';
import { exportLayers, foldNorms, runLayers, type Layer } from './perceptron.ts';
import { stratifiedSplit } from './split.ts';

/** A router for the origin with what is known of it. */
export interface TrainedOriginRouter {
  /** `features [B, d]` → `logits [B, T]`. */
  readonly model: Uint8Array;
  readonly rows: { readonly train: number; readonly held_back: number };
  /** Fitted on the held-back rows, which also chose the epoch. */
  readonly temperature: number;
  /** On the held-back rows. */
  readonly accuracy: number;
  /** On the held-back rows under `temperature`; undefined without any. */
  readonly assessment: Assessment | undefined;
}

const HELD_BACK = 0.1;
const RATE = 5e-4;
const BATCH = 64;
/** Steps of a whole training, as many as the published one takes on its 44,000 rows, within limits of epochs. */
const STEPS = 2000;
const EPOCHS = { least: 10, most: 100 };
/** Epochs without a better likelihood after which learning ends. */
const PATIENCE = 10;

/**
 * Trains the paper's router. Same rows, seed and engine give the same bytes.
 * @param features mean-pooled hidden states of the shared model, `[N, d]`
 * @param labels class of each row
 * @throws {TwinrouteError} `shape` when features and labels differ in number; `config` when there are fewer than two rows
 */
export async function trainOriginRouter(
  { tf }: Pick<Engine, 'tf'>,
  features: FloatTensor,
  labels: readonly number[],
  { classes, seed, progress }: { readonly classes: number; readonly seed: number; readonly progress: Progress },
): Promise<TrainedOriginRouter> {
  const [n, d] = features.shape;
  if (n !== labels.length || features.data.length !== n * d) {
    throw new TwinrouteError('shape', `trainOriginRouter: expected features [${labels.length}, d], got [${features.shape.join(', ')}]`);
  }
  if (n < 2) throw new TwinrouteError('config', `trainOriginRouter: expected at least two examples, got ${n}`);
  const { train, heldBack } = stratifiedSplit(labels, HELD_BACK, seed);
  const trainRows = pick(features, labels, train);
  // Without held-back rows the training rows choose, so that there is an answer at all.
  const judge = heldBack.length > 0 ? pick(features, labels, heldBack) : trainRows;
  const fit = createPerceptronFit(tf, trainRows, classes, BATCH, createRandom(seed, 'origin router'));
  const epochs = Math.min(EPOCHS.most, Math.max(EPOCHS.least, Math.ceil((STEPS * BATCH) / train.length)));
  let best: { loss: number; layers: Layer[]; scored: ScoredRows } | undefined;
  for (let epoch = 0, since = 0; epoch < epochs && since < PATIENCE; epoch++) {
    progress({ stage: 'origin router', done: epoch, total: epochs });
    await fit.epoch(RATE * (1 - epoch / epochs), RATE * (1 - (epoch + 1) / epochs));
    const layers = foldNorms(await fit.layers());
    const scored = scoreRows(layers, judge, classes);
    const loss = negativeLogLikelihood(scored, 1);
    since++;
    if (best !== undefined && loss >= best.loss) continue;
    best = { loss, layers, scored };
    since = 0;
  }
  progress({ stage: 'origin router', done: epochs, total: epochs });
  if (best === undefined || !Number.isFinite(best.loss))
    throw new TwinrouteError('numeric', 'trainOriginRouter: expected a finite loss, got none');
  const temperature = fitTemperature(best.scored);
  return {
    model: exportLayers(best.layers),
    rows: { train: train.length, held_back: heldBack.length },
    temperature,
    accuracy: accuracy(best.scored),
    assessment: heldBack.length === 0 ? undefined : assess(best.scored, classes, temperature),
  };
}

function pick({ data, shape }: FloatTensor, labels: readonly number[], rows: readonly number[]): VectorRows {
  const d = shape[1];
  const vectors = new Float32Array(rows.length * d);
  for (const [r, row] of rows.entries()) vectors.set(data.subarray(row * d, (row + 1) * d), r * d);
  return { vectors, labels: Int32Array.from(rows, (row) => labels[row]) };
}

function scoreRows(layers: readonly Layer[], { vectors, labels }: VectorRows, classes: number): ScoredRows {
  const logits = runLayers(layers, vectors, labels.length);
  return { logits: Array.from(labels.keys(), (r) => logits.subarray(r * classes, (r + 1) * classes)), classes: labels };
}

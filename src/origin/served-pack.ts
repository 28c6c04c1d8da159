// A pack while it is served: its predictor behind a queue, and a door that knows who is inside.

import { withAdmission, type Door } from './admission.ts';
import { createBatcher, type Batcher, type BatcherLimits } from './batcher.ts';
import type { Clock } from './clock.ts';
import { createDrainGate, type DrainGate } from './drain-gate.ts';
import type { OriginWatch } from './observe/watch.ts';
import type { Predictor, PredictorOutput, PredictorRow } from './predictor.ts';

/** A served pack. */
export interface ServedPack {
  readonly predictor: Predictor;
  readonly batcher: Batcher<PredictorRow, PredictorOutput> & Partial<Door>;
  /** Entered by each request that found the pack, so that it is not released under it. */
  readonly gate: Pick<DrainGate, 'enter' | 'drain'>;
}

/** What serving needs. */
export interface ServeOptions extends BatcherLimits {
  readonly clock: Clock;
  readonly watch: Pick<OriginWatch, 'ran'>;
}

/** Serves a predictor. */
export function servePack(predictor: Predictor, { watch, ...limits }: ServeOptions): ServedPack {
  const batcher = createBatcher<PredictorRow, PredictorOutput>({
    run(rows, instance) {
      watch.ran({ model: predictor.name, version: predictor.version }, rows);
      return predictor.run(rows, instance);
    },
    choose: predictor.choose,
    instances: predictor.instances,
    ...limits,
  });
  return { predictor, batcher: withAdmission(batcher, limits), gate: createDrainGate() };
}

/** Waits until nobody is inside, then frees everything. Nobody may find the pack any more. */
export async function retirePack({ gate, batcher, predictor }: ServedPack): Promise<void> {
  await gate.drain();
  await batcher.close();
  await predictor.release();
}

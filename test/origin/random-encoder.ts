// A random twin behind a real encoder: open graph, store, cost model.

import { createCostModel, type CostModel } from '../../src/core/batching/cost-model.ts';
import type { FloatPrecision } from '../../src/formats/onnx/graph.ts';
import type { DeviceName } from '../../src/host/devices/device.ts';
import { createNodeSession } from '../../src/host/ort-session.ts';
import { bert } from '../../src/model/bert.ts';
import { arrangeModules, type ExpertFactors } from '../../src/model/expert-factors.ts';
import { emitOpenTwinGraph } from '../../src/model/open-twin-graph.ts';
import type { LoadedModule } from '../../src/formats/expert-file.ts';
import type { Encoder } from '../../src/origin/encoder.ts';
import { createExpertStore } from '../../src/origin/expert-store.ts';
import { createTwinEncoder } from '../../src/origin/twin-encoder.ts';
import { lookUp, type RandomTwin } from '../model/random-twin.ts';

const PRIOR = { start: 1, token: 0.1, tokenRank: 0.001, tiledTokenRank: 0.002, rank: 0.001, score: 1e-4 };

/** Settings of the encoder. */
export interface RandomEncoderOptions {
  /** Indices of the experts to serve; all of them when left out. */
  readonly order?: readonly number[];
  readonly expertBytes?: number;
  /** What runs cost; learnt from them when left out. */
  readonly cost?: CostModel;
  readonly device?: DeviceName;
  readonly precision?: FloatPrecision;
  /** Told of each expert that is loaded. */
  readonly onLoad?: (name: string) => void;
}

/** An encoder over the twin's experts. */
export async function randomEncoder(
  { config, shared, experts }: Pick<RandomTwin, 'config' | 'shared' | 'experts'>,
  {
    order = [...experts.keys()],
    expertBytes = Infinity,
    device = 'cpu',
    precision,
    cost = createCostModel(PRIOR),
    onLoad = () => undefined,
  }: RandomEncoderOptions = {},
): Promise<Encoder> {
  const changed = [...shared.keys()].filter((name) => experts.some((expert) => expert.module(name) !== undefined));
  const tables = new Set(bert.tables(config));
  const unchanged = new Set([...tables].filter((name) => !changed.includes(name)));
  const { model, openings, fed } = emitOpenTwinGraph(bert, config, lookUp(shared), new Set(changed), unchanged, precision);
  const served = order.map((e) => experts[e]);
  const load = (name: string): Promise<ExpertFactors> => {
    onLoad(name);
    const modules = new Map<string, LoadedModule>();
    for (const parameter of changed) {
      const module = served.find((expert) => expert.name === name)?.module(parameter);
      if (module?.kind === 'whole') modules.set(parameter, module);
      if (module?.kind !== 'factored') continue;
      const [u, v] = [module.u, module.v].map(({ shape: [rows, cols], data }) => ({ rows, cols, data }));
      modules.set(parameter, { kind: 'factored', u, v });
    }
    return Promise.resolve(arrangeModules(modules, tables));
  };
  return createTwinEncoder({
    sessions: [await createNodeSession(model, { threads: 1, device }), await createNodeSession(model, { threads: 1, device })],
    openings,
    fed,
    experts: served.map(({ name }) => name),
    store: createExpertStore(load, expertBytes),
    fade: undefined,
    ranks: served.map(() => 3),
    cost,
    now: () => performance.now(),
  });
}

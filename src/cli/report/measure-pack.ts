// One pack on labelled rows: scores beside their references, routing, size, cost and latency.

import { evaluate, type EvaluatedTask, type Evaluation } from '../../core/evaluate.ts';
import { evaluateRouting } from '../../core/evaluate-routing.ts';
import { normalise } from '../../core/normalised.ts';
import type { Progress } from '../../core/progress.ts';
import { curveError } from '../../core/routing/calibration-curve.ts';
import { routedScoreError } from '../../core/score-error.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { MeasuredPack, MeasuredTask } from '../../contract/measured-report.ts';
import type { Pack } from '../../formats/pack.ts';
import { loadPredictor } from '../../origin/load-pack.ts';
import { isCompressed } from '../../report/pack/energy-grid.ts';
import { dearestAlone, packBytes, packCost } from '../../report/pack/pack-cost.ts';
import { evaluatePack } from '../quality/evaluate-pack.ts';
import { packRoute } from '../quality/pack-route.ts';
import type { TaskData } from '../quality/read-data.ts';
import { scoreOf } from '../quality/score-of.ts';
import { measureLatency, typicalRow, type Latency } from './latency.ts';
import type { References } from './references.ts';

/**
 * Measures a pack.
 * @param label tells it from the others
 * @param now milliseconds of a clock that only goes forward
 * Cost: up to three passes a row, and 110 for latency
 */
export async function measurePack(
  pack: Pack,
  label: string,
  data: ReadonlyMap<string, TaskData>,
  references: References,
  { progress, now }: { readonly progress: Progress; readonly now: () => number },
): Promise<MeasuredPack> {
  const predictor = await loadPredictor(pack);
  try {
    const route = await packRoute(pack, predictor);
    try {
      const latency = await measureLatency(predictor, typicalRow(predictor, data), now);
      const tasks = await evaluatePack(predictor, route.route, data, references.individual, progress);
      const evaluation = evaluate(tasks);
      return {
        label,
        ...describe(pack.manifest, latency),
        ...scores(tasks, evaluation, data, references.base),
        ...routing(tasks, evaluation, pack.manifest),
      };
    } finally {
      await route.close();
    }
  } finally {
    await predictor.release();
  }
}

/** What the manifest says, and latency. */
function describe(
  manifest: Manifest,
  latency: Latency,
): Pick<MeasuredPack, 'name' | 'config' | 'method' | 'bytes' | 'flops_per_token' | 'latency' | 'kept_energy'> {
  const { name, config, method, experts } = manifest;
  const cost = packCost(manifest, latency.tokens);
  return {
    name,
    config,
    method,
    bytes: { ...packBytes(manifest) },
    flops_per_token: { tokens: latency.tokens, plain: cost.plain, one_expert: dearestAlone(cost).cost, all_experts: cost.all },
    latency,
    kept_energy: Object.fromEntries(
      experts.map((expert) => [
        expert.name,
        Object.fromEntries(expert.tensors.filter(isCompressed).map((tensor) => [tensor.name, tensor.kept_energy])),
      ]),
    ),
  };
}

function scores(
  evaluated: Readonly<Record<string, EvaluatedTask>>,
  evaluation: Evaluation,
  data: ReadonlyMap<string, TaskData>,
  base: References['base'],
): Pick<MeasuredPack, 'tasks' | 'noisiest' | 'normalised'> {
  const tasks: Record<string, MeasuredTask> = {};
  for (const [name, line] of Object.entries(evaluation.tasks)) {
    const task = data.get(name);
    const predictions = base.get(name);
    tasks[name] = {
      ...line,
      base: task === undefined || predictions === undefined ? null : scoreOf(task, predictions),
      standard_error:
        line.individual === null || line.individual <= 0 ? null : (routedScoreError(name, evaluated[name], line.individual) ?? null),
    };
  }
  const noisiest = noisiestOf(tasks);
  const summary = (pick: (task: MeasuredTask) => number | null): MeasuredPack['normalised']['routed'] =>
    normalise(
      Object.entries(tasks).map(([task, line]) => ({ task, score: pick(line), individual: line.individual })),
      noisiest,
    );
  return {
    tasks,
    noisiest: noisiest ?? null,
    normalised: {
      base: summary((task) => task.base),
      shared: summary((task) => task.shared),
      oracle: summary((task) => task.oracle),
      routed: summary((task) => task.routed),
    },
  };
}

function noisiestOf(tasks: Readonly<Record<string, MeasuredTask>>): string | undefined {
  const known = Object.entries(tasks).flatMap(([name, { standard_error: error }]) => (error === null ? [] : [{ name, error }]));
  return known.length < 2 ? undefined : known.reduce((most, task) => (task.error > most.error ? task : most)).name;
}

function routing(
  evaluated: Readonly<Record<string, EvaluatedTask>>,
  evaluation: Evaluation,
  { experts }: Manifest,
): Pick<MeasuredPack, 'routing'> {
  const { truth, answered, confusion, curve } = evaluateRouting(
    evaluated,
    experts.map(({ name }) => name),
  );
  return {
    routing: {
      accuracy: evaluation.routing_accuracy,
      truth: [...truth],
      answered: [...answered],
      confusion: confusion.map((row) => [...row]),
      calibration_error: curveError(curve),
      calibration: [...curve],
    },
  };
}

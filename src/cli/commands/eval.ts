// `twinroute eval PACK --data DIR`: the quality table, honest about routing: the head is the one that the router chose.

import { evaluate, type Evaluation } from '../../core/evaluate.ts';
import { loadPredictor } from '../../origin/load-pack.ts';
import { evaluatePack } from '../quality/evaluate-pack.ts';
import { individualsOf } from '../quality/individuals-of.ts';
import { readData, SPLITS, splitOf } from '../quality/read-data.ts';
import { packRoute } from '../quality/pack-route.ts';
import { withPack } from '../open-pack-folder.ts';
import { exactly, integerOption, requiredOption, textOption } from '../options.ts';
import { table } from '../table.ts';
import type { Verb } from '../verb.ts';

/** The verb `eval`. */
export const evalVerb: Verb = {
  name: 'eval',
  summary: 'the quality table: routed (head from the router), oracle route, individual experts, shared alone',
  usage: 'PACK --data DIR [--split test] [--limit N] [--experts DIR]',
  options: {
    data: { type: 'string', help: 'folder with tasks.json and tasks/<task>/<split>.jsonl' },
    split: { type: 'string', help: `${SPLITS.join(', ')}; test` },
    limit: { type: 'string', help: 'rows a task at most, the first ones' },
    experts: {
      type: 'string',
      help: "folder with base/ and a folder for each expert, where the manifest has no expert's own score on these rows",
    },
  },
  async run(positionals, values, io, json) {
    const [path] = exactly(positionals, 1, 'one PACK');
    const folder = requiredOption(values, 'data');
    const split = splitOf(textOption(values, 'split') ?? 'test');
    const limit = integerOption(values, 'limit', 1, 1_000_000_000);
    const experts = textOption(values, 'experts');
    const result = await withPack(path, async (pack) => {
      const { manifest } = pack;
      const data = await readData(
        folder,
        manifest.experts.map((expert) => expert.name),
        split,
        limit,
      );
      const individual = await individualsOf(pack, data, { experts, split, limited: limit !== undefined }, io.progress);
      const predictor = await loadPredictor(pack);
      const route = await packRoute(pack, predictor);
      try {
        return { config: manifest.config, ...evaluate(await evaluatePack(predictor, route.route, data, individual, io.progress)) };
      } finally {
        await route.close();
        await predictor.release();
      }
    });
    io.out(json ? JSON.stringify(result) : describe(result));
  },
};

function describe({ config, tasks, normalised, routing_accuracy: accuracy }: Evaluation & { readonly config: string }): string {
  const score = (value: number | null): string => (value === null ? '–' : value.toFixed(4));
  const percent = (value: number | null): string => (value === null ? '–' : `${value.toFixed(2)} %`);
  const rows = Object.entries(tasks).map(([name, { metric, rows: count, individual, shared, oracle, routed, routed_to_own: own }]) => [
    name,
    metric,
    String(count),
    score(individual),
    score(shared),
    score(oracle),
    score(routed),
    score(own),
  ]);
  return [
    `config ${config}`,
    table(
      ['task', 'metric', 'rows', 'individual', 'shared', 'oracle', 'routed', 'routed to own'],
      [...rows, ['normalised', '', '', '100 %', percent(normalised.shared), percent(normalised.oracle), percent(normalised.routed), '']],
    ),
    `routing accuracy ${accuracy.toFixed(4)}`,
  ].join('\n');
}

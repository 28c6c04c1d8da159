// `twinroute growthbook FILE`: experiments from GrowthBook's definitions, or with --export the other way.

import * as z from 'zod/mini';
import { Experiments } from '../../contract/experiments.ts';
import { fromGrowthBook, toGrowthBook, type Converted } from '../../contract/growthbook.ts';
import { parseJsonWith, parseWith } from '../../contract/parse.ts';
import { exactly } from '../options.ts';
import { readText } from '../read-text.ts';
import type { Verb } from '../verb.ts';

/** One definition, a list of them, or a payload of GrowthBook's SDK. */
const Definitions = z.union(
  [z.array(z.unknown()), z.looseObject({ experiments: z.array(z.unknown()) }), z.looseObject({ key: z.string() })],
  {
    error: 'expected a definition, a list of them, or an object with experiments',
  },
);

/** The verb `growthbook`. */
export const growthbook: Verb = {
  name: 'growthbook',
  summary: 'experiments from GrowthBook definitions whose variations are config ids, or the other way',
  usage: 'FILE [--export]',
  options: { export: { type: 'boolean', help: "writes GrowthBook's definitions of published experiments" } },
  async run(positionals, values, io) {
    const [path] = exactly(positionals, 1, 'one FILE');
    const text = await readText(path);
    if (values['export'] === true) {
      const { experiments } = parseJsonWith(Experiments, text, path, 'config');
      io.out(print({ experiments: experiments.map((experiment) => tell(experiment.key, toGrowthBook(experiment), io.log)) }));
      return;
    }
    const source = parseJsonWith(Definitions, text, path, 'config');
    const definitions = Array.isArray(source)
      ? source
      : 'experiments' in source && Array.isArray(source.experiments)
        ? source.experiments
        : [source];
    const experiments = definitions.map((definition) => {
      const converted = fromGrowthBook(definition);
      return tell(converted.value.key, converted, io.log);
    });
    io.out(print(parseWith(Experiments, { experiments }, path, 'config')));
  },
};

/** The value; its notices go to people. */
function tell<T>(key: string, { value, notices }: Converted<T>, log: (line: string) => void): T {
  for (const notice of notices) log(`${key}: ${notice}`);
  return value;
}

function print(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}

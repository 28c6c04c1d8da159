// `twinroute diagnose CONFIG`: what a merge has to expect of its experts, before anything is built.

import type { Diagnosis } from '../../build/diagnose/diagnose.ts';
import { diagnoseConfig } from '../../build/diagnose/diagnose-config.ts';
import { readConfig } from '../../build/read-config.ts';
import type { Finding } from '../../core/diagnose/findings.ts';
import { exactly } from '../options.ts';
import { readText } from '../read-text.ts';
import { table } from '../table.ts';
import type { Verb } from '../verb.ts';

/** More columns than this do not fit a terminal. */
const MAX_SHOWN_PAIRS = 12;

/** The verb `diagnose`. */
export const diagnoseVerb: Verb = {
  name: 'diagnose',
  summary: 'looks at the experts of a config before a merge: norms, cosines, sign conflicts, suspicious ones',
  usage: 'CONFIG',
  options: {},
  async run(positionals, _values, io, json) {
    const [path] = exactly(positionals, 1, 'one CONFIG');
    const diagnosis = await diagnoseConfig(readConfig(await readText(path), path), io.progress);
    io.out(json ? JSON.stringify(diagnosis) : describe(diagnosis));
  },
};

/** A finding as one line. */
export function findingLine({ message, advice }: Finding): string {
  return `warning: ${message}. ${advice}`;
}

function describe({ names, experts, cosines, signConflicts, conflictRate, normRatio, findings }: Diagnosis): string {
  const rows = experts.map(({ norm, relative, tensors }, t) => {
    const [largest] = Object.entries(tensors).sort(([, a = 0], [, b = 0]) => b - a);
    return [names[t], norm.toPrecision(4), percent(relative), largest === undefined ? 'none' : `${largest[0]} ${percent(largest[1] ?? 0)}`];
  });
  const pairs = (values: readonly (readonly number[])[], spell: (value: number) => string): string =>
    table(
      ['', ...names],
      values.map((row, t) => [names[t], ...row.map((value, u) => (t === u ? '' : spell(value)))]),
    );
  return [
    table(['expert', '‖τ‖', '‖τ‖ / ‖θ0‖', 'most changed tensor'], rows),
    '',
    `longest task vector over shortest: ${normRatio.toFixed(2)}`,
    `weights that at least two experts change, whose signs are not all the same: ${percent(conflictRate)} (${percent(1 - 2 ** (1 - names.length))} where ${names.length} unrelated vectors change them)`,
    ...(names.length > 1 && names.length <= MAX_SHOWN_PAIRS
      ? [
          '',
          'cosines',
          pairs(cosines, (value) => value.toFixed(3)),
          '',
          'sign conflicts (50 % for unrelated vectors)',
          pairs(signConflicts, percent),
        ]
      : []),
    '',
    ...(findings.length === 0 ? ['nothing suspicious'] : findings.map(findingLine)),
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

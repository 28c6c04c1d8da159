// What a search leaves for people: DIR/front/<n>.yaml, each a config that `build` or `merge` takes, and the front as DIR/front.md and
// DIR/front.html.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeFolder } from '../../host/atomic-folder.ts';
import { checkpointFile } from '../../host/checkpoint-file.ts';
import type { Report, Table } from '../../report/document.ts';
import { toHtml } from '../../report/html.ts';
import { toMarkdown } from '../../report/markdown.ts';
import type { Front, FrontEntry } from './front.ts';
import { frontPlots } from './front-plot.ts';
import { spellMetric } from './metrics.ts';
import { withValues, type SearchFile } from './search-file.ts';

/**
 * Writes the front; what an earlier run wrote is replaced.
 * @param rows what was measured, for people, e.g. `60 validation rows a task at most`
 */
export async function writeFront(folder: string, front: Front, search: SearchFile, rows: string): Promise<void> {
  await writeFolder(join(folder, 'front'), holdsConfigsOnly, async ({ write }) => {
    for (const entry of front.best) {
      const config = { ...withValues(search, entry.values), name: `${front.name}-${entry.place}` };
      const heading = [
        `Place ${entry.place} of the front of search ${front.search}, trial ${entry.trial}:`,
        ...front.metrics.map((metric, k) => `  ${metric.name} ${spellMetric(metric, entry.scores[k])}`),
        `on ${rows}.`,
      ];
      await write(`${entry.place}.yaml`, new TextEncoder().encode(`${heading.map((line) => `# ${line}\n`).join('')}${stringify(config)}`));
    }
  });
  const report = reportOf(front, rows);
  await checkpointFile(join(folder, 'front.md')).write(toMarkdown(report));
  await checkpointFile(join(folder, 'front.html')).write(toHtml(report));
}

async function holdsConfigsOnly(path: string): Promise<boolean> {
  return (await readdir(path)).every((file) => /^\d+\.yaml$/.test(file));
}

function summaryOf({ search, entries, best, failed, screened, hypervolume, metrics }: Front, rows: string): string {
  const volume =
    hypervolume === undefined
      ? ''
      : ` It dominates a volume of ${hypervolume.value.toLocaleString('en', { maximumSignificantDigits: 6 })} up to ${metrics.map((metric, k) => `${metric.name} ${spellMetric(metric, hypervolume.reference[k])}`).join(', ')}.`;
  const others = [screened > 0 ? `${screened} screened on fewer` : '', failed > 0 ? `${failed} that have no merge` : ''].filter(
    (part) => part !== '',
  );
  return `${entries.length} configs measured on ${rows}${others.length === 0 ? '' : ` (and ${others.join(', ')})`}, ${best.length} on the front.${volume} Search ${search}.`;
}

function headOf({ space, metrics }: Front): string[] {
  return ['place', 'trial', ...metrics.map(({ name }) => name), ...space];
}

function rowOf({ metrics }: Front, { place, trial, scores, values, feasible }: FrontEntry): string[] {
  return [
    place === undefined ? (feasible ? '' : 'outside') : String(place),
    String(trial),
    ...metrics.map((metric, k) => spellMetric(metric, scores[k])),
    ...values.map(String),
  ];
}

function reportOf(front: Front, rows: string): Report {
  const tableOf = (entries: readonly FrontEntry[]): Table => ({
    kind: 'table',
    head: headOf(front),
    rows: entries.map((entry) => rowOf(front, entry)),
  });
  return {
    title: `Search ${front.name}`,
    sections: [
      {
        title: 'Summary',
        blocks: [
          { kind: 'text', text: summaryOf(front, rows) },
          {
            kind: 'figures',
            figures: frontPlots(front).map((svg) => ({ svg, caption: 'Blue: the front, by place; grey: dominated; orange: outside' })),
          },
        ],
      },
      { title: 'Front', blocks: [{ kind: 'text', text: 'Place n is front/n.yaml.' }, tableOf(front.best)] },
      { title: 'All trials', blocks: [tableOf(front.entries)] },
    ],
  };
}

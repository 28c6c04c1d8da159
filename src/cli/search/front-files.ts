// What a search leaves for people: DIR/front/<n>.yaml, each a config that `build` or `merge` takes, and the front as DIR/front.md and
// DIR/front.html, one file without scripts, in both colour schemes and on a phone.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeFolder } from '../../host/atomic-folder.ts';
import { checkpointFile } from '../../host/checkpoint-file.ts';
import type { Front, FrontEntry } from './front.ts';
import { escapeHtml, frontPlots } from './front-plot.ts';
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
  await checkpointFile(join(folder, 'front.md')).write(markdown(front, rows));
  await checkpointFile(join(folder, 'front.html')).write(html(front, rows));
}

async function holdsConfigsOnly(path: string): Promise<boolean> {
  return (await readdir(path)).every((file) => /^\d+\.yaml$/.test(file));
}

function titleOf({ name }: Front): string {
  return `Search ${name}`;
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

function markdown(front: Front, rows: string): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const head = headOf(front);
  const tableOf = (entries: readonly FrontEntry[]): string =>
    [line(head), line(head.map(() => '---')), ...entries.map((entry) => line(rowOf(front, entry)))].join('\n');
  return `# ${titleOf(front)}\n\n${summaryOf(front, rows)}\n\n## Front\n\nPlace n is \`front/n.yaml\`.\n\n${tableOf(front.best)}\n\n## All trials\n\n${tableOf(front.entries)}\n`;
}

function html(front: Front, rows: string): string {
  const cells = (tag: string, values: readonly string[]): string => values.map((value) => `<${tag}>${escapeHtml(value)}</${tag}>`).join('');
  const tableOf = (entries: readonly FrontEntry[]): string =>
    `<div class="scroll"><table><thead><tr>${cells('th', headOf(front))}</tr></thead><tbody>\n${entries.map((entry) => `<tr>${cells('td', rowOf(front, entry))}</tr>`).join('\n')}\n</tbody></table></div>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(titleOf(front))}</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --accent: light-dark(#0b57d0, #8ab4f8); --warning: light-dark(#b3261e, #f2b8b5); }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); text-align: left; white-space: nowrap; }
svg { display: block; width: 100%; height: auto; max-width: 48rem; }
svg text { fill: currentColor; font-size: 15px; }
@media (max-width: 40rem) { svg text { font-size: 20px; } }
.grid { stroke: currentColor; stroke-opacity: 0.15; }
.line { fill: none; stroke: var(--accent); stroke-width: 1.5; }
.front { fill: var(--accent); }
.trial { fill: none; stroke: currentColor; stroke-opacity: 0.6; }
.infeasible { fill: none; stroke: var(--warning); }
</style></head><body><h1>${escapeHtml(titleOf(front))}</h1>
<p>${escapeHtml(summaryOf(front, rows))}</p>
${frontPlots(front).join('\n')}
<h2>Front</h2><p>Place n is <code>front/n.yaml</code>.</p>
${tableOf(front.best)}
<h2>All trials</h2>
${tableOf(front.entries)}
</body></html>
`;
}

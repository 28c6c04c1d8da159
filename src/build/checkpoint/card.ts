// README.md of a merged checkpoint: a model card with its origins.

import { stringify } from 'yaml';
import type { MergeRecord } from '../../contract/merge-record.ts';

/** The card of a merge. */
export function mergeCard(record: MergeRecord): string {
  const { method, models, seed, producer, notices, config } = record;
  const licences = [...new Set(models.map(({ provenance }) => provenance.license))];
  const front = {
    license: licences.length === 1 && licences[0] !== 'unspecified' ? licences[0] : 'other',
    library_name: 'transformers',
    tags: ['merge', 'twinroute'],
    base_model: models.map(({ model }) => model),
  };
  const rows = models.map(
    ({ model, kind, provenance }) =>
      `| ${cell(model)} | ${kind} | ${cell(provenance.license)} | ${cell(provenance.source)} | \`${provenance.sha256}\` |`,
  );
  return (
    [
      `---\n${stringify(front)}---`,
      `# Merge by ${method}`,
      `Made by ${producer}, seed ${seed}. The licences of all models below apply.`,
      ['| model | kind | licence | source | sha256 of its files |', '| --- | --- | --- | --- | --- |', ...rows].join('\n'),
      ...(notices.length === 0 ? [] : [notices.map((notice) => `- ${notice}`).join('\n')]),
      `\`\`\`\`yaml\n${config.trimEnd()}\n\`\`\`\``,
    ].join('\n\n') + '\n'
  );
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

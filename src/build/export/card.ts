// README.md of an exported folder: licence and source in the form that model hubs read, then what it is, from where, and how to load it.

import type { ExportRecord } from '../../contract/export-record.ts';

/** YAML front matter. Texts are spelt as JSON, which YAML reads. */
export function cardFront(license: string, source: string): string {
  return `---\nlicense: ${JSON.stringify(license)}\nbase_model: ${JSON.stringify(source)}\n---`;
}

/** The card of an export. */
export function exportCard(record: ExportRecord, usage: string): string {
  const { base, experts, mix, dropped } = record;
  const licenses = [...new Set([base, ...experts.map((expert) => expert.provenance)].map(({ license }) => license))];
  const rows = [{ name: 'base', provenance: base }, ...experts].map(
    ({ name, provenance: { license, source, sha256 } }) =>
      `| ${[name, source, license, sha256].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  );
  return (
    [
      cardFront(licenses.join(', '), base.source),
      `# ${record.pack}, config ${record.config}, as ${record.format}`,
      `Exported by ${record.producer}, weights in ${record.dtype}. ${mixText(mix)} twinroute.json says the same for programs.`,
      `## Use\n\n${usage}`,
      ...(Object.keys(dropped).length === 0
        ? []
        : [`## Left out\n\nThe format cannot express these changes, so answers differ from the pack's:\n\n${dropText(dropped)}`]),
      `## Made of\n\n| model | source | licence | sha256 |\n| --- | --- | --- | --- |\n${rows.join('\n')}`,
    ].join('\n\n') + '\n'
  );
}

function mixText(mix: ExportRecord['mix']): string {
  if (mix === null) return 'Experts are apart from the shared model and mixed by whoever runs it.';
  if (mix.length === 0) return 'The shared model alone.';
  return `The shared model with the modules of ${mix.map(({ expert, weight }) => `${expert} × ${weight}`).join(', ')} folded in.`;
}

function dropText(dropped: ExportRecord['dropped']): string {
  return Object.entries(dropped)
    .map(([expert, names]) => `- ${expert}: ${names.join(', ')}`)
    .join('\n');
}

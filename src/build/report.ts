// report.md and report.html: what a pack is made of, for people. Both are spelled from the same table model, so they cannot differ.

import type { Manifest, ManifestExpert } from '../contract/manifest.ts';

/** A part of the report: a heading, a sentence, and a table. */
interface Section {
  readonly title: string;
  readonly text: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** report.md of a manifest. */
export function reportMarkdown(manifest: Manifest): string {
  const parts = sectionsOf(manifest).map(({ title, text, head, rows }) =>
    [`## ${title}`, text, [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')].filter((part) => part !== '').join('\n\n'),
  );
  return [`# ${titleOf(manifest)}`, ...parts].join('\n\n') + '\n';
}

/** report.html of a manifest: one file, no script, both colour schemes, readable on a phone. */
export function reportHtml(manifest: Manifest): string {
  const parts = sectionsOf(manifest).map(({ title, text, head, rows }) => {
    const cells = (tag: string, values: readonly string[]): string =>
      values.map((value) => `<${tag}>${escapeHtml(value)}</${tag}>`).join('');
    const body = rows.map((values) => `<tr>${cells('td', values)}</tr>`).join('\n');
    return `<section><h2>${escapeHtml(title)}</h2><p>${escapeHtml(text)}</p><div class="scroll"><table><thead><tr>${cells('th', head)}</tr></thead><tbody>\n${body}\n</tbody></table></div></section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(titleOf(manifest))}</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); text-align: left; white-space: nowrap; }
</style></head><body><h1>${escapeHtml(titleOf(manifest))}</h1>
${parts.join('\n')}
</body></html>
`;
}

function titleOf({ name, config }: Manifest): string {
  return `Pack ${name}, config ${config}`;
}

function sectionsOf(manifest: Manifest): readonly Section[] {
  const { router, origin_router: originRouter, files, shared, base } = manifest;
  const sections: Section[] = [
    {
      title: 'What it is',
      text: methodText(manifest),
      head: ['', ''],
      rows: [
        ['base', `${base.source} (${base.license}), ${base.sha256.slice(0, 16)}`],
        ['parameters', JSON.stringify(manifest.parameters)],
        ['architecture', manifest.architecture.type],
        ['longest input', `${manifest.max_tokens} tokens`],
        ['built by', `${manifest.producer} on ${manifest.engine}, seed ${manifest.seed}`],
      ],
    },
    {
      title: 'Experts',
      text: `Kept energy: share of ‖θ_t − ${shared.fade === undefined && shared.unified === undefined ? 'θ_s' : 'θ_0'}‖² that is kept, tensor by tensor. Error: ‖delta − stored‖ / ‖delta‖ of the worst tensor, all losses together.`,
      head: [
        'expert',
        'read as',
        'problem',
        'classes',
        'format',
        'ranks',
        'kept energy (lowest)',
        'error (worst)',
        'bytes',
        'own score',
        'licence',
      ],
      rows: [
        ...manifest.experts.map((expert) => expertRow(expert, files[expert.file]?.bytes ?? 0)),
        ...(shared.fade === undefined
          ? []
          : [['(fade)', '', '', '', ...moduleCells(shared.fade), (files[shared.fade.file]?.bytes ?? 0).toLocaleString('en'), '', '']]),
      ],
    },
    {
      title: 'Files',
      text: 'Every reader checks these hashes before use.',
      head: ['file', 'bytes', 'sha256'],
      rows: Object.entries(files).map(([file, { bytes, sha256 }]) => [file, bytes.toLocaleString('en'), sha256]),
    },
  ];
  if (router !== undefined) {
    sections.push({
      title: 'Edge router',
      text: 'Measured on rows that its training did not see.',
      head: ['classes', 'rows trained / held back', 'accuracy', 'calibration error', 'policy'],
      rows: [
        [
          router.classes.join(', '),
          `${router.rows.train} / ${router.rows.held_back}`,
          percent(router.accuracy),
          percent(router.calibration_error),
          JSON.stringify(router.policy),
        ],
      ],
    });
  }
  if (originRouter !== undefined) {
    sections.push({
      title: 'Origin router',
      text: 'The MLP on mean-pooled hidden states of the shared model.',
      head: ['classes', 'rows trained / held back', 'accuracy', 'policy'],
      rows: [
        [
          originRouter.classes.join(', '),
          `${originRouter.rows.train} / ${originRouter.rows.held_back}`,
          percent(originRouter.accuracy),
          JSON.stringify(originRouter.policy),
        ],
      ],
    });
  }
  return sections;
}

function methodText({ method, shared }: Manifest): string {
  if (shared.unified !== undefined) {
    return `Method ${method}: the base, one unified vector of all task vectors, and of each expert a mask of one bit a parameter and one scale; weights are merged for each mix.`;
  }
  const about = shared.fade === undefined ? '' : ' Modules are about the base: the shared part fades as a mix fills.';
  return `Method ${method}: a shared model by ${shared.method}, and one exclusive module an expert that is merged in per request.${about}`;
}

function expertRow(expert: ManifestExpert, bytes: number): readonly string[] {
  const own = expert.individual;
  return [
    expert.name,
    expert.kind,
    expert.problem,
    String(expert.labels.length),
    ...moduleCells(expert),
    bytes.toLocaleString('en'),
    own === undefined ? 'not measured' : `${own.value.toFixed(4)} (${own.metric}, ${own.rows} rows)`,
    expert.provenance.license,
  ];
}

/** Format, ranks, lowest kept energy and worst error. */
function moduleCells({ format, tensors }: Pick<ManifestExpert, 'format' | 'tensors'>): readonly string[] {
  const changed = tensors.filter(({ kind }) => kind === 'factored' || kind === 'masked');
  const ranks = changed.flatMap(({ kind, rank }) => (kind === 'factored' ? [rank] : []));
  const low = Math.min(...ranks);
  const high = Math.max(...ranks);
  return [
    format,
    ranks.length === 0 ? 'none' : low === high ? String(low) : `${low} to ${high}`,
    changed.length === 0 ? '' : percent(Math.min(...changed.map((tensor) => tensor.kept_energy))),
    percent(Math.max(0, ...tensors.map((tensor) => tensor.error))),
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

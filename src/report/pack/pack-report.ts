// A pack's own report: what is known when it is built. Nothing in it is taken with a clock, so that the same inputs give the same bytes.

import type { Assessment } from '../../core/routing/calibrate.ts';
import type { Manifest, ManifestExpert, ManifestGates } from '../../contract/manifest.ts';
import type { Report, Section, Table } from '../document.ts';
import { routerBlocks } from '../router-blocks.ts';
import { count, percent } from '../spell.ts';
import { isCompressed } from './energy-grid.ts';
import { energySection } from './energy-section.ts';
import { learntSection } from './learnt-section.ts';
import { sizeSection } from './size-section.ts';

/** How a pack's routers did on held-back rows, where there are any. */
export interface RouterAssessments {
  readonly edge?: Assessment | undefined;
  readonly origin?: Assessment | undefined;
}

/**
 * The report of a pack.
 * @param manifest with the files that are written so far: the report cannot state its own size
 */
export function packReport(manifest: Manifest, assessments: RouterAssessments): Report {
  return {
    title: `Pack ${manifest.name}, config ${manifest.config}`,
    sections: [
      aboutSection(manifest),
      sizeSection(manifest),
      expertSection(manifest),
      learntSection(manifest.shared.learnt),
      energySection(manifest),
      edgeSection(manifest, assessments.edge),
      originSection(manifest, assessments.origin),
      fileSection(manifest),
    ].filter((section) => section !== undefined),
  };
}

function aboutSection({
  method,
  shared,
  gates,
  base,
  parameters,
  architecture,
  max_tokens: maxTokens,
  producer,
  engine,
  seed,
}: Manifest): Section {
  return {
    title: 'What it is',
    blocks: [
      { kind: 'text', text: methodText(method, shared, gates) },
      {
        kind: 'table',
        head: ['', ''],
        textColumns: [0, 1],
        rows: [
          ['base', `${base.source} (${base.license}), ${base.sha256.slice(0, 16)}`],
          ['parameters', JSON.stringify(parameters)],
          ...(gates === undefined ? [] : [['gates', gatesText(gates)]]),
          ['architecture', architecture.type],
          ['longest input', `${maxTokens} tokens`],
          ['built by', `${producer} on ${engine}, seed ${seed}`],
        ],
      },
    ],
  };
}

function gatesText({ layers, per, rows, loss: { start, kept, step } }: ManifestGates): string {
  const of = per === 'part' ? 'one for each layer of the model' : 'one for all layers of the model';
  return `${layers} linear ${layers === 1 ? 'layer' : 'layers'}, ${of}; learnt from ${rows.train} texts: loss on ${rows.held_back} held-back ones ${start.toFixed(4)} before, ${kept.toFixed(4)} after step ${step}`;
}

function methodText(method: string, shared: Manifest['shared'], gates: ManifestGates | undefined): string {
  if (gates !== undefined)
    return `Method ${method}: a shared model by ${shared.method} but for its MLPs, which are the base's, and of each expert a module for every MLP; gates inside the model weigh them for each text, so that a mix only chooses the head.`;
  if (shared.unified !== undefined)
    return `Method ${method}: the base, one unified vector of all task vectors, and of each expert a mask of one bit a parameter and its scales; weights are merged for each mix.`;
  const about = shared.fade === undefined ? '' : ' Modules are about the base: the shared part fades as a mix fills.';
  return `Method ${method}: a shared model by ${shared.method}, and one exclusive module an expert that is merged in per request.${about}`;
}

function expertSection({ experts, shared, files }: Manifest): Section {
  const { fade } = shared;
  const size = (file: string): string => count(files[file]?.bytes ?? 0);
  return {
    title: 'Experts',
    blocks: [
      {
        kind: 'text',
        text: 'Kept energy: the lowest of its tensors. Error: ‖delta − stored‖ / ‖delta‖ of the worst tensor, all losses together. Own score: of the expert itself, on test rows.',
      },
      {
        kind: 'table',
        head: ['expert', 'read as', 'problem', 'classes', 'format', 'ranks', 'kept energy', 'error', 'bytes', 'own score', 'licence'],
        textColumns: [0, 1, 2, 4, 9, 10],
        rows: [
          ...experts.map((expert) => expertRow(expert, size(expert.file))),
          ...(fade === undefined ? [] : [['(fade)', '', '', '', ...moduleCells(fade), size(fade.file), '', '']]),
        ],
      },
    ],
  };
}

function expertRow(expert: ManifestExpert, size: string): readonly string[] {
  const own = expert.individual;
  return [
    expert.name,
    expert.kind,
    expert.problem,
    String(expert.labels.length),
    ...moduleCells(expert),
    size,
    own === undefined ? 'not measured' : `${own.value.toFixed(4)} (${own.metric}, ${own.rows} rows)`,
    expert.provenance.license,
  ];
}

/** Format, ranks, lowest kept energy and worst error. */
function moduleCells({ format, tensors }: Pick<ManifestExpert, 'format' | 'tensors'>): readonly string[] {
  const changed = tensors.filter(isCompressed);
  const ranks = changed.flatMap(({ kind, rank }) => (kind === 'factored' ? [rank] : []));
  const [low, high] = [Math.min(...ranks), Math.max(...ranks)];
  return [
    format,
    ranks.length === 0 ? 'none' : low === high ? String(low) : `${low} to ${high}`,
    changed.length === 0 ? '' : percent(Math.min(...changed.map((tensor) => tensor.kept_energy))),
    percent(Math.max(0, ...tensors.map((tensor) => tensor.error))),
  ];
}

function edgeSection({ router }: Manifest, assessment: Assessment | undefined): Section | undefined {
  if (router === undefined) return undefined;
  const { rows, accuracy, calibration_error: error, policy, classes } = router;
  return routerSection('Edge router', 'On raw text, before any model runs.', classes, assessment, [
    ['rows trained / held back', `${rows.train} / ${rows.held_back}`],
    ['accuracy', percent(accuracy)],
    ['calibration error', percent(error)],
    ['policy', JSON.stringify(policy)],
  ]);
}

function originSection({ origin_router: router, gates }: Manifest, assessment: Assessment | undefined): Section | undefined {
  if (router === undefined) return undefined;
  const { rows, accuracy, policy, classes } = router;
  const encoder = gates === undefined ? 'the shared model' : 'the model with its gates';
  return routerSection('Origin router', `The MLP on mean-pooled hidden states of ${encoder}.`, classes, assessment, [
    ['rows trained / held back', `${rows.train} / ${rows.held_back}`],
    ['accuracy', percent(accuracy)],
    ['policy', JSON.stringify(policy)],
  ]);
}

function routerSection(
  title: string,
  what: string,
  classes: readonly string[],
  assessment: Assessment | undefined,
  facts: Table['rows'],
): Section {
  const measured =
    assessment === undefined
      ? 'There were too few examples to hold any back, so that nothing was measured.'
      : 'Measured on examples that its training did not see, under the fitted temperature. Real traffic differs from examples: `twinroute report` measures on labelled rows.';
  return {
    title,
    blocks: [
      { kind: 'text', text: `${what} ${measured}` },
      { kind: 'table', head: ['', ''], textColumns: [0, 1], rows: facts },
      ...(assessment === undefined ? [] : routerBlocks({ truth: classes, answered: classes, ...assessment })),
    ],
  };
}

function fileSection({ files }: Manifest): Section {
  return {
    title: 'Files',
    blocks: [
      { kind: 'text', text: 'Every reader checks these hashes before use.' },
      {
        kind: 'table',
        head: ['file', 'sha256', 'bytes'],
        textColumns: [0, 1],
        rows: Object.entries(files).map(([file, { bytes, sha256 }]) => [file, sha256, count(bytes)]),
      },
    ],
  };
}

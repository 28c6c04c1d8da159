// `twinroute inspect PACK`: what is inside, after every byte was checked.

import type { Manifest, ManifestExpert } from '../../contract/manifest.ts';
import type { StoredModules } from '../../formats/expert-file.ts';
import { learntTable, learntText } from '../../report/pack/learnt-section.ts';
import { withPack } from '../open-pack-folder.ts';
import { exactly } from '../options.ts';
import { table } from '../table.ts';
import type { Verb } from '../verb.ts';

/** The verb `inspect`. */
export const inspect: Verb = {
  name: 'inspect',
  summary: 'shows what is inside a pack: sizes, ranks, kept energy, hashes, provenance, licence',
  usage: 'PACK',
  options: {},
  async run(positionals, _values, io, json) {
    const [path] = exactly(positionals, 1, 'one PACK');
    const manifest = await withPack(path, async (pack) => {
      await pack.verify();
      return pack.manifest;
    });
    io.out(json ? JSON.stringify(manifest, null, 2) : describe(manifest));
  },
};

function describe(manifest: Manifest): string {
  const { files, shared, router, base, gates } = manifest;
  const total = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  const sharedBytes = files[shared.file]?.bytes ?? 0;
  return [
    `pack ${manifest.name}, config ${manifest.config}; every file has the hash that the manifest states`,
    `method ${manifest.method} ${JSON.stringify(manifest.parameters)}, seed ${manifest.seed}, built by ${manifest.producer} on ${manifest.engine}`,
    `base ${base.source} (${base.license}), sha256 ${base.sha256}`,
    `size ${bytes(total)}: shared model ${bytes(sharedBytes)} (${shared.format}, ${shared.method}), everything else ${bytes(total - sharedBytes)}`,
    '',
    table(
      ['expert', 'read as', 'format', 'rank', 'kept energy', 'worst error', 'size', 'licence', 'sha256 of the model'],
      [
        ...manifest.experts.map((expert) => expertRow(expert, files[expert.file]?.bytes ?? 0)),
        ...(shared.unified === undefined
          ? []
          : [['(unified)', '', shared.unified.format, '', '', '', bytes(files[shared.unified.file]?.bytes ?? 0), '', '']]),
        ...(shared.fade === undefined ? [] : [['(fade)', '', ...moduleCells(shared.fade, files[shared.fade.file]?.bytes ?? 0), '', '']]),
      ],
    ),
    ...describeLearnt(shared.learnt),
    '',
    router === undefined
      ? 'no edge router: the origin routes'
      : `edge router: ${bytes(files[router.file]?.bytes ?? 0)}, ${router.rows.train} rows, accuracy ${percent(router.accuracy)} and calibration error ${percent(router.calibration_error)} on ${router.rows.held_back} held-back rows; policy ${JSON.stringify(router.policy)}`,
    ...(gates === undefined
      ? []
      : [
          `gates: ${bytes(files[gates.file]?.bytes ?? 0)} (${gates.format}), ${gates.layers} linear ${gates.layers === 1 ? 'layer' : 'layers'}, ${gates.per === 'part' ? 'one for each layer of the model' : 'one for all layers of the model'}, ${gates.rows.train} texts; loss ${gates.loss.start.toFixed(4)} before learning, ${gates.loss.kept.toFixed(4)} after step ${gates.loss.step}, on ${gates.rows.held_back} held-back texts`,
        ]),
    '',
    table(
      ['file', 'bytes', 'sha256'],
      Object.entries(files).map(([file, entry]) => [file, String(entry.bytes), entry.sha256]),
    ),
  ].join('\n');
}

function describeLearnt(learnt: Manifest['shared']['learnt']): readonly string[] {
  if (learnt === undefined) return [];
  const { head, rows } = learntTable(learnt);
  return ['', `the shared model learnt: ${learntText(learnt)}`, table(head, rows)];
}

function expertRow(expert: ManifestExpert, size: number): readonly string[] {
  return [expert.name, expert.kind, ...moduleCells(expert, size), expert.provenance.license, expert.provenance.sha256.slice(0, 16)];
}

/** Format, rank, kept energy, worst error and size of a file of modules. */
function moduleCells({ format, tensors }: StoredModules, size: number): readonly string[] {
  const factored = tensors.filter((tensor) => tensor.kind === 'factored');
  const ranks = factored.map((tensor) => tensor.rank);
  const [low, high] = [Math.min(...ranks), Math.max(...ranks)];
  return [
    format,
    ranks.length === 0 ? 'none' : low === high ? String(low) : `${low}–${high}`,
    ranks.length === 0 ? '' : `≥ ${percent(Math.min(...factored.map((tensor) => tensor.kept_energy)))}`,
    percent(Math.max(0, ...tensors.map((tensor) => tensor.error))),
    bytes(size),
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function bytes(count: number): string {
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(2)} MB`;
}

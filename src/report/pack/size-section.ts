// How large a pack is and what a token through it costs.

import type { Manifest } from '../../contract/manifest.ts';
import type { Block, Section } from '../document.ts';
import { barPlot } from '../plot/bar-plot.ts';
import { count, megabytes, percent } from '../spell.ts';
import { dearestAlone, packBytes, packCost, type GraphCost, type PackBytes } from './pack-cost.ts';

/** Tokens of the request that costs are given for where no data says what is typical. */
const REQUEST_TOKENS = 32;

const PARTS: readonly (readonly [keyof PackBytes, string])[] = [
  ['shared', 'shared model'],
  ['unified', 'unified vector'],
  ['fade', 'fade'],
  ['gates', 'gates'],
  ['experts', 'experts'],
  ['routers', 'routers'],
  ['tokenizer', 'tokenizer'],
  ['other', 'samples, reports'],
];

/** Bytes by part, and FLOPs per token. */
export function sizeSection(manifest: Manifest, tokens = REQUEST_TOKENS): Section {
  return { title: 'Size and cost', blocks: [...byteBlocks(manifest), ...costBlocks(manifest, tokens)] };
}

function byteBlocks(manifest: Manifest): Block[] {
  const bytes = packBytes(manifest);
  const parts = PARTS.map(([part, name]) => ({
    name: part === 'experts' ? `${manifest.experts.length} ${name}` : name,
    size: bytes[part],
  })).filter(({ size }) => size > 0);
  return [
    {
      kind: 'figures',
      figures: [
        {
          svg: barPlot(
            parts.map(({ name, size }) => ({ name, value: size, text: megabytes(size) })),
            { title: 'Bytes by part', description: parts.map(({ name, size }) => `${name} ${count(size)} bytes`).join(', ') },
          ),
          caption: 'Bytes by part',
        },
      ],
    },
    {
      kind: 'table',
      head: ['part', 'bytes', 'share'],
      rows: [
        ...parts.map(({ name, size }) => [name, count(size), percent(size / bytes.total)]),
        ['together', count(bytes.total), percent(1)],
      ],
    },
  ];
}

function costBlocks(manifest: Manifest, tokens: number): Block[] {
  const cost = packCost(manifest, tokens);
  const { plain, all, served } = cost;
  const dearest = dearestAlone(cost);
  const row = (name: string, { total, modules }: GraphCost): readonly string[] => [
    name,
    (total / 1e6).toFixed(3),
    (modules / 1e6).toFixed(3),
    `× ${(total / plain.total).toFixed(3)}`,
  ];
  return [
    {
      kind: 'text',
      text: `Cost of a token in a request of ${tokens}, counted from the shapes (two FLOPs a multiply-add; products only). ${
        served === 'beside'
          ? 'Modules are factors beside the shared matrices, so that an origin computes those of all the experts that it holds, whatever the mix.'
          : 'Weights are merged once for each mix and kept; a token then costs what it costs in a plain model.'
      }`,
    },
    {
      kind: 'table',
      head: ['graph', 'MFLOP a token', 'of it modules', 'against plain'],
      rows: [
        row('plain model, one expert', plain),
        row(`pack, one expert held (top-1; ${dearest.name}, the dearest)`, dearest.cost),
        row(`pack, all ${manifest.experts.length} experts held`, all),
      ],
    },
  ];
}

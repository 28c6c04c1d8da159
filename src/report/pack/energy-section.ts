// What compression kept of every tensor, as small multiples: one picture an expert, kinds of tensors by layers.

import type { Manifest, ModuleTensor } from '../../contract/manifest.ts';
import type { Figure, Section } from '../document.ts';
import { heatMap } from '../plot/heat-map.ts';
import { percent } from '../spell.ts';
import { energyGrid, isCompressed } from './energy-grid.ts';

/** More pictures than this nobody compares; the table has them all. */
const MAX_FIGURES = 32;

interface Module {
  readonly name: string;
  readonly tensors: readonly ModuleTensor[];
}

/** The section; undefined when nothing was compressed. */
export function energySection({ experts, shared }: Pick<Manifest, 'experts' | 'shared'>): Section | undefined {
  const modules: Module[] = [...experts, ...(shared.fade === undefined ? [] : [{ name: '(fade)', tensors: shared.fade.tensors }])];
  const compressed = modules.flatMap(({ tensors }) => tensors.filter(isCompressed));
  if (compressed.length === 0) return undefined;
  const lowest = Math.min(...compressed.map((tensor) => tensor.kept_energy));
  const names = [...new Set(compressed.map(({ name }) => name))];
  const centre = shared.fade === undefined && shared.unified === undefined ? 'θ_s' : 'θ_0';
  return {
    title: 'Kept energy',
    blocks: [
      {
        kind: 'text',
        text: `Share of each tensor's ‖θ_t − ${centre}‖² that is kept, in percent, rounded down. The stronger a cell's colour, the more is lost, at most ${percent(1 - lowest)}. Where there is no cell, nothing changed.`,
      },
      { kind: 'figures', figures: modules.slice(0, MAX_FIGURES).flatMap((module) => energyFigure(module, 1 - lowest)) },
      {
        kind: 'table',
        fold: 'Every tensor: rank, kept energy, error',
        head: ['tensor', ...modules.map(({ name }) => name)],
        rows: names.map((name) => [name, ...modules.map(({ tensors }) => cellText(tensors.find((tensor) => tensor.name === name)))]),
      },
    ],
  };
}

function cellText(tensor: ModuleTensor | undefined): string {
  if (tensor === undefined || !isCompressed(tensor)) return '–';
  const { kind, rank, kept_energy: kept, error } = tensor;
  return `${kind === 'factored' ? `${rank} · ` : ''}${percent(kept)} · ${percent(error)}`;
}

function energyFigure({ name, tensors }: Module, mostLost: number): Figure[] {
  const grid = energyGrid(tensors);
  if (grid === undefined) return [];
  const compressed = tensors.filter(isCompressed);
  const worst = compressed.reduce((low, tensor) => (tensor.kept_energy < low.kept_energy ? tensor : low));
  return [
    {
      svg: heatMap({
        title: `Kept energy of ${name}`,
        description: `From ${percent(worst.kept_energy)} in ${worst.name} to ${percent(Math.max(...compressed.map((tensor) => tensor.kept_energy)))}, by layer and kind of tensor.`,
        rows: grid.rows,
        columns: grid.layers,
        rowTitle: '',
        columnTitle: grid.layers[0] === '' ? '' : 'layer',
        cells: grid.cells.map((row) =>
          row.map(
            (tensor) =>
              tensor && {
                text: String(Math.floor(100 * tensor.kept_energy)),
                shade: mostLost === 0 ? 0 : (1 - tensor.kept_energy) / mostLost,
                tone: 'b' as const,
                hint: `${tensor.name}: ${percent(tensor.kept_energy)} kept${tensor.kind === 'factored' ? ` at rank ${tensor.rank}` : ''}, error ${percent(tensor.error)}`,
              },
          ),
        ),
      }),
      caption: `${name}: lowest ${percent(worst.kept_energy)}`,
    },
  ];
}

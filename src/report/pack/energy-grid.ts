// A model's tensors as a grid: a row for each kind, a column for each layer. Tensors outside the layers get rows of their own.

import type { ModuleTensor } from '../../contract/manifest.ts';

/** A grid of tensors. */
export interface EnergyGrid {
  /** Short names of the kinds. */
  readonly rows: readonly string[];
  readonly layers: readonly string[];
  /** `[rows][layers]`; undefined where a layer has no such tensor or it did not change. */
  readonly cells: readonly (readonly (ModuleTensor | undefined)[])[];
}

/** Whether an expert's tensor is kept only in part. */
export function isCompressed({ kind }: ModuleTensor): boolean {
  return kind === 'factored' || kind === 'masked';
}

/** The compressed tensors as a grid; kinds in the order of their first tensor, those outside the layers last. Undefined without any. */
export function energyGrid(tensors: readonly ModuleTensor[]): EnergyGrid | undefined {
  const places = tensors.filter(isCompressed).map((tensor) => ({ tensor, ...placeOf(tensor.name) }));
  if (places.length === 0) return undefined;
  const layers = [...new Set(places.flatMap(({ layer }) => layer ?? []))].toSorted((a, b) => a - b);
  const within = [...new Set(places.flatMap(({ layer, kind }) => (layer === undefined ? [] : [kind])))];
  const outside = [...new Set(places.flatMap(({ layer, kind }) => (layer === undefined ? [kind] : [])))];
  const prefix = commonPrefix(within);
  const find = (kind: string, layer: number | undefined): ModuleTensor | undefined =>
    places.find((place) => place.kind === kind && place.layer === layer)?.tensor;
  const columns = Math.max(1, layers.length);
  return {
    rows: [...within.map((kind) => kind.slice(prefix.length)), ...outside],
    layers: layers.length === 0 ? [''] : layers.map(String),
    cells: [
      ...within.map((kind) => layers.map((layer) => find(kind, layer))),
      ...outside.map((kind) => Array.from({ length: columns }, (_, c) => (c === 0 ? find(kind, undefined) : undefined))),
    ],
  };
}

/** The first number of a name is its layer; what is left is its kind. */
function placeOf(name: string): { readonly layer: number | undefined; readonly kind: string } {
  const short = name.replace(/\.weight$/, '');
  const match = /(?:^|\.)(\d+)(?=\.)/.exec(short);
  if (match === null) return { layer: undefined, kind: short };
  return { layer: Number(match[1]), kind: short.slice(0, match.index) + short.slice(match.index + match[0].length) };
}

/** The longest beginning, in whole parts, that names share, each keeping at least one part. */
function commonPrefix(names: readonly string[]): string {
  if (names.length === 0) return '';
  const parts = names.map((name) => name.split('.'));
  const limit = Math.min(...parts.map(({ length }) => length)) - 1;
  let same = 0;
  while (same < limit && parts.every((name) => name[same] === parts[0][same])) same++;
  return parts[0]
    .slice(0, same)
    .map((part) => `${part}.`)
    .join('');
}

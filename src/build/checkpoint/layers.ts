// Where a tensor stands in its model, told from its name alone.

/** The parts of a layer's tensor name. */
export interface LayerName {
  /** Up to the number, e.g. `model.layers.`. */
  readonly stack: string;
  readonly index: number;
  /** Behind the number, e.g. `.mlp.up_proj.weight`. */
  readonly rest: string;
}

const LAYER = /^((?:.*?\.)?(?:layers|layer|h|blocks|block)\.)(\d{1,5})(\..*)$/;
/** Tensors outside of the layers whose names say that they come before them; all others come behind. */
const BEFORE_LAYERS = /embed|(^|\.)(wte|wpe|shared)\./i;

/** A name's parts, or undefined for a tensor that belongs to no layer. */
export function parseLayerName(name: string): LayerName | undefined {
  const match = LAYER.exec(name);
  return match === null ? undefined : { stack: match[1], index: Number(match[2]), rest: match[3] };
}

/** Number of layers of each stack, by its name. */
export function countLayers(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) {
    const layer = parseLayerName(name);
    if (layer !== undefined) counts.set(layer.stack, Math.max(counts.get(layer.stack) ?? 0, layer.index + 1));
  }
  return counts;
}

/** 0 for the first of `count` layers, 1 for the last, also where it is the only one. */
export function depthOf(index: number, count: number): number {
  return count > 1 ? index / (count - 1) : 1;
}

/** Whether a tensor that belongs to no layer comes before them, as embeddings do. */
export function isBeforeLayers(name: string): boolean {
  return BEFORE_LAYERS.test(name);
}

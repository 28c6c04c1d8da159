// Labels beside their points: each where it hides neither a point nor another label, as far as there is room.

import { widthOf } from './svg.ts';

/** A point with what is to be written beside it. */
export interface LabelledPoint {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

/** Where a label goes. */
export interface PlacedLabel {
  readonly x: number;
  /** Of the baseline. */
  readonly y: number;
  readonly anchor: 'start' | 'end' | 'middle';
}

/** A part of the plot. */
export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const AWAY = 8;
const HEIGHT = 12;
const CORNERS = [
  { dx: AWAY, dy: 4, anchor: 'start' },
  { dx: -AWAY, dy: 4, anchor: 'end' },
  { dx: AWAY, dy: 17, anchor: 'start' },
  { dx: AWAY, dy: -7, anchor: 'start' },
  { dx: -AWAY, dy: -7, anchor: 'end' },
  { dx: -AWAY, dy: 17, anchor: 'end' },
  { dx: 0, dy: -10, anchor: 'middle' },
  { dx: 0, dy: 20, anchor: 'middle' },
] as const;

/**
 * A place for every label, in the order of the points; of places that are all taken the one that hides least.
 * @param marks what labels must not hide: all points, lines
 * @param frame what labels stay within
 * Cost: O(labels · (labels + marks))
 */
export function placeLabels(points: readonly LabelledPoint[], marks: readonly Box[], frame: Box): PlacedLabel[] {
  const taken = [...marks];
  return points.map(({ x, y, text }) => {
    const places = CORNERS.map(({ dx, dy, anchor }) => {
      const box = boxOf(x + dx, y + dy, anchor, widthOf(text));
      const inside = box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
      return {
        place: { x: x + dx, y: y + dy, anchor },
        box,
        hidden: (inside ? 0 : 1000) + taken.filter((other) => overlap(box, other)).length,
      };
    });
    const best = places.reduce((least, candidate) => (candidate.hidden < least.hidden ? candidate : least));
    taken.push(best.box);
    return best.place;
  });
}

function boxOf(x: number, y: number, anchor: PlacedLabel['anchor'], width: number): Box {
  const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
  return { left, right: left + width, top: y - HEIGHT + 2, bottom: y + 2 };
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** What a round mark takes. */
export function boxAround({ x, y }: { readonly x: number; readonly y: number }): Box {
  return { left: x - 5, right: x + 5, top: y - 5, bottom: y + 5 };
}

// Points in a plane of two objectives, those that nothing dominates in colour and joined by the staircase of what they dominate, the others
// faded.

import { axes, PLANE, PLANE_HEIGHT } from './axes.ts';
import { boxAround, placeLabels, type Box } from './place-labels.ts';
import { scaleOver } from './scale.ts';
import { fixed, hint, label, svgPlot, type PlotText } from './svg.ts';

/** A point. */
export interface ScatterPoint {
  readonly x: number;
  readonly y: number;
  /** On the front, dominated, or outside the constraints. */
  readonly kind: 'front' | 'dominated' | 'outside';
  /** Written beside it. */
  readonly label?: string;
  /** Everything about it. */
  readonly hint: string;
}

/** An axis. */
export interface ScatterAxis {
  readonly title: string;
  readonly goal: 'max' | 'min';
}

/** What to plot. */
export interface Scatter extends PlotText {
  readonly x: ScatterAxis;
  readonly y: ScatterAxis;
  /** At least one. */
  readonly points: readonly ScatterPoint[];
  /** Whether the points of the front are joined; with a third objective they only cast a shadow, which has no edge. */
  readonly edge: boolean;
}

/** The plot as an SVG element. Cost: O(labels · points). */
export function scatterPlot({ x, y, points, edge, ...text }: Scatter): string {
  const { left, right, top, bottom } = PLANE;
  const xs = scaleOver(
    points.map((point) => point.x),
    left,
    right,
  );
  const ys = scaleOver(
    points.map((point) => point.y),
    bottom,
    top,
  );
  const at = points.map((point) => ({ ...point, x: xs.place(point.x), y: ys.place(point.y) }));
  const labelled = at.flatMap((point) =>
    point.label === undefined ? [] : [{ x: point.x, y: point.y, text: point.label, kind: point.kind }],
  );
  const stairs = edge ? staircase(points, x.goal).map(([a, b]) => [xs.place(a), ys.place(b)] as const) : [];
  const places = placeLabels(labelled, [...at.map(boxAround), ...segmentsOf(stairs)], PLANE);
  const shapes = (kind: ScatterPoint['kind']): string[] =>
    at
      .filter((point) => point.kind === kind)
      .map(
        ({ x: cx, y: cy, hint: title }) =>
          `<circle class="${kind}" cx="${fixed(cx)}" cy="${fixed(cy)}" r="${kind === 'front' ? 5 : 4}">${hint(title)}</circle>`,
      );
  return svgPlot(text, PLANE_HEIGHT, [
    ...axes({ title: x.title, scale: xs }, { title: y.title, scale: ys }),
    ...(stairs.length > 1 ? [`<polyline class="line" points="${stairs.map(([a, b]) => `${fixed(a)},${fixed(b)}`).join(' ')}"/>`] : []),
    ...shapes('outside'),
    ...shapes('dominated'),
    ...shapes('front'),
    ...labelled.map(({ text: words, kind }, i) =>
      label(places[i].x, places[i].y, words, { anchor: places[i].anchor, ...(kind !== 'front' && { kind: 'muted' }) }),
    ),
  ]);
}

/** The level and upright lines of a staircase. */
function segmentsOf(corners: readonly (readonly [number, number])[]): Box[] {
  return corners.slice(1).map(([x, y], i) => {
    const [fromX, fromY] = corners[i];
    return { left: Math.min(x, fromX) - 1, right: Math.max(x, fromX) + 1, top: Math.min(y, fromY) - 1, bottom: Math.max(y, fromY) + 1 };
  });
}

/** The edge of what the front dominates: from each point to the next around a corner, since nothing between them was measured. */
function staircase(points: readonly ScatterPoint[], goal: 'max' | 'min'): (readonly [number, number])[] {
  const front = points.filter(({ kind }) => kind === 'front').toSorted((a, b) => a.x - b.x || a.y - b.y);
  return front.flatMap((point, i) => {
    const next = front[i + 1];
    const here = [point.x, point.y] as const;
    if (next === undefined) return [here];
    return [here, goal === 'min' ? ([next.x, point.y] as const) : ([point.x, next.y] as const)];
  });
}

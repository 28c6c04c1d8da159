// Every plot says all of its numbers, escaped, in an element of its own, and always the same.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapeHtml } from '../../../src/report/escape.ts';
import { barPlot } from '../../../src/report/plot/bar-plot.ts';
import { dotPlot } from '../../../src/report/plot/dot-plot.ts';
import { heatMap, type HeatCell } from '../../../src/report/plot/heat-map.ts';
import { boxAround, placeLabels } from '../../../src/report/plot/place-labels.ts';
import { reliabilityDiagram } from '../../../src/report/plot/reliability.ts';
import { scaleFrom, scaleOver } from '../../../src/report/plot/scale.ts';
import { scatterPlot, type Scatter } from '../../../src/report/plot/scatter.ts';

const TEXT = { title: 'a <title>', description: 'what & why' };
const words = fc.string({ minLength: 1, maxLength: 20 });
const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const settings = { seed: 2, numRuns: 60 };

/** What holds of all of them. */
function checkPlot(svg: string): void {
  expect(svg).toMatch(/^<svg viewBox="0 0 360 [\d.]+" role="img"><title>a &lt;title&gt;<\/title><desc>what &amp; why<\/desc>/);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  // Colours are the page's.
  expect(svg).not.toMatch(/#[0-9a-f]{3}|style=/);
}

function hintsOf(svg: string): string[] {
  return [...svg.matchAll(/<title>([^<]*)<\/title>/g)].map(([, text]) => text);
}

describe('scatter', () => {
  const scatter = (points: Scatter['points'], edge = true): Scatter => ({
    ...TEXT,
    x: { title: 'bytes', goal: 'min' },
    y: { title: 'score', goal: 'max' },
    points,
    edge,
  });

  test('has a mark with its hint for each point', () => {
    const point = fc.record({
      x: number,
      y: number,
      kind: fc.constantFrom('front' as const, 'dominated' as const, 'outside' as const),
      label: words,
      hint: words,
    });
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 8 }), (points) => {
        const svg = scatterPlot(scatter(points));
        checkPlot(svg);
        expect(scatterPlot(scatter(points))).toBe(svg);
        expect(hintsOf(svg).slice(1).toSorted()).toEqual(points.map(({ hint }) => escapeHtml(hint)).toSorted());
        for (const kind of ['front', 'dominated', 'outside'] as const)
          expect(svg.match(new RegExp(`<circle class="${kind}"`, 'g')) ?? []).toHaveLength(
            points.filter((one) => one.kind === kind).length,
          );
      }),
      settings,
    );
  });

  test('joins the front by corners, where there are two points of it', () => {
    const points = [
      { x: 1, y: 1, kind: 'front', hint: 'a' },
      { x: 3, y: 2, kind: 'front', hint: 'b' },
      { x: 3, y: 1, kind: 'dominated', hint: 'c' },
    ] as const;
    const [, corners] = /<polyline class="line" points="([^"]*)"/.exec(scatterPlot(scatter(points))) ?? [];
    const [first, corner, last] = (corners ?? '').split(' ').map((pair) => pair.split(',').map(Number));
    // Less is better: the lower score holds until the dearer point.
    expect(corner).toEqual([last[0], first[1]]);
    expect(scatterPlot(scatter(points, false))).not.toContain('polyline');
    expect(scatterPlot(scatter(points.slice(0, 1)))).not.toContain('polyline');
  });
});

test('a heat map says every cell that has room, and leaves out what is not there', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(99), fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1, maxLength: 5 }), (values) => {
      const row: (HeatCell | undefined)[] = [
        ...values.map(([text, shade]) => ({ text: String(text), shade, tone: 'a' as const, hint: `hint ${text}` })),
        undefined,
      ];
      const svg = heatMap({
        ...TEXT,
        rows: ['r&'],
        columns: row.map((_, i) => `c${i}`),
        rowTitle: 'true',
        columnTitle: 'taken',
        cells: [row],
      });
      checkPlot(svg);
      expect(svg).toContain('>r&amp;</text>');
      expect(svg.match(/<rect/g)).toHaveLength(values.length);
      for (const [text] of values) expect(svg).toContain(`>${text}</text>`);
      for (const [, opacity] of svg.matchAll(/fill-opacity="([\d.]+)"/g)) expect(Number(opacity)).toBeLessThanOrEqual(0.5);
    }),
    settings,
  );
});

test('a dot plot has every value in its row, in the shape of its series', () => {
  const dots = [
    { shape: 'base', value: 30, hint: 'a' },
    { shape: 'shared', value: -20, hint: 'b' },
    { shape: 'oracle', value: 100, hint: 'c' },
    { shape: 'routed', value: 90, hint: 'd' },
  ] as const;
  const svg = dotPlot({
    ...TEXT,
    series: dots.map(({ shape }) => [shape, `<${shape}>`] as const),
    rows: [{ name: 'task', dots, text: '90.0' }],
    axis: 'percent',
    guide: { value: 100, name: 'expert' },
  });
  checkPlot(svg);
  expect(hintsOf(svg).slice(1)).toEqual(['a', 'b', 'c', 'd']);
  for (const { shape } of dots) {
    // Once in the legend, once in the row.
    expect(svg.match(new RegExp(`class="${shape}"`, 'g'))).toHaveLength(2);
    expect(svg).toContain(`>&lt;${shape}&gt;</text>`);
  }
  const [guide] = [...svg.matchAll(/class="guide" x1="([\d.]+)"/g)].map(([, x]) => Number(x));
  const [, own] = [...svg.matchAll(/class="oracle" d="M([\d.]+) /g)].map(([, x]) => Number(x));
  expect(own).toBe(guide);
});

test('bars are as long as their values, up to the longest', () => {
  const svg = barPlot(
    [
      { name: 'all', value: 4, text: '4 B' },
      { name: 'half', value: 2, text: '2 B' },
      { name: 'none', value: 0, text: '0 B' },
    ],
    TEXT,
  );
  checkPlot(svg);
  const [all, half, none] = [...svg.matchAll(/<rect[^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(half / all).toBeCloseTo(0.5, 2);
  expect(none).toBeLessThan(1);
  expect(hintsOf(svg).slice(1)).toEqual(['all: 4 B', 'half: 2 B', 'none: 0 B']);
});

test('a reliability diagram puts each bin where it belongs, with its interval', () => {
  const svg = reliabilityDiagram(
    [
      { rows: 4, confidence: 0.5, accuracy: 0.5 },
      { rows: 100, confidence: 1, accuracy: 1 },
    ],
    TEXT,
  );
  checkPlot(svg);
  const [middle, end] = [...svg.matchAll(/<circle class="front" cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"/g)].map((match) =>
    match.slice(1).map(Number),
  );
  expect(middle.slice(0, 2)).toEqual([200, 131]);
  expect(end.slice(0, 2)).toEqual([338, 12]);
  expect(end[2]).toBeGreaterThan(middle[2]);
  expect(hintsOf(svg)[1]).toBe('4 rows: 50.00 % stated, 50.00 % right, 95 % interval 15.00 % to 85.00 %');
});

test('labels keep off the points and off each other while there is room', () => {
  const points = [
    { x: 100, y: 100, text: 'one' },
    { x: 112, y: 100, text: 'two' },
    { x: 106, y: 112, text: 'three' },
  ];
  const frame = { left: 0, right: 300, top: 0, bottom: 200 };
  const places = placeLabels(points, points.map(boxAround), frame);
  const boxes = places.map(({ x, y, anchor }, i) => {
    const width = 7 * points[i].text.length;
    const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
    return { left, right: left + width, top: y - 10, bottom: y + 2 };
  });
  for (const [i, a] of boxes.entries())
    for (const b of boxes.slice(i + 1)) expect(a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).toBe(false);
});

test('ticks are round, within the scale and in order, whatever the values', () => {
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 5 }), (values) => {
      const { ticks, place } = scaleOver(values, 0, 100);
      expect(ticks.length).toBeGreaterThanOrEqual(1);
      for (const value of [...values, ...ticks]) {
        expect(place(value)).toBeGreaterThanOrEqual(-1e-3);
        expect(place(value)).toBeLessThanOrEqual(100.001);
      }
    }),
    settings,
  );
  expect(scaleFrom(0, 1, 0, 10).ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
});

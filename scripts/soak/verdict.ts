// Whether a process that was watched kept its shape: memory by trend, the rest by plain limits.

import { median, quantile } from '../bench/lib/statistics.ts';
import { trendOf, type Trend } from './trend.ts';
import type { OriginSample } from './watched-origin.ts';

/** The part of a soak that is left out: experts and promoted mixes find their places, allocators their size. */
const WARM_UP = 1 / 2;
/** Points of the trends: most of a minute each in a soak of 30, so that neighbours hardly know of each other. */
const POINTS = 20;
/** A shorter soak says nothing about memory. */
const SHORTEST_MS = 10 * 60_000;
/** Growth in an hour, by its median, that is noise: steps of a few pages have a direction too, in half an hour. */
const NOISE_MB = 12;

const MB = 2 ** 20;
const MINUTE_MS = 60_000;

/** One memory over time. */
interface MemoryFigures {
  readonly medianMb: number;
  /** Megabytes an hour. */
  readonly growth: Trend;
  readonly flat: boolean;
}

/** What `judge` says. */
export interface Verdict {
  readonly memory: Readonly<Record<'rss' | 'heap' | 'buffers' | 'edgeRss', MemoryFigures>>;
  readonly eventLoopDelayMs: { readonly median: number; readonly p99: number; readonly worst: number };
  readonly handles: { readonly early: number; readonly late: number; readonly most: number };
  readonly verdict: { readonly good: boolean; readonly because: readonly string[] };
}

/**
 * The verdict.
 * @param samples one a second
 * @param complaints what is wrong beside
 */
export function judge(
  samples: readonly (OriginSample & { readonly edgeRss: number })[],
  complaints: readonly string[],
  durationMs: number,
): Verdict {
  const warm = samples.filter(({ at }) => at >= durationMs * WARM_UP && at <= durationMs);
  const width = (durationMs * (1 - WARM_UP)) / POINTS;
  const blocks = Array.from({ length: POINTS }, (_, i) => {
    const from = durationMs * WARM_UP + i * width;
    return warm.filter(({ at }) => at >= from && at < from + width);
  }).filter((block) => block.length > 0);
  const over = (read: (sample: (typeof warm)[number]) => number, of: (values: readonly number[]) => number): MemoryFigures => {
    const values = blocks.map((block) => of(block.map(read)) / MB);
    const hours = blocks.map((block) => median(block.map(({ at }) => at)) / (60 * MINUTE_MS));
    const growth = trendOf(hours, values);
    return { medianMb: median(values), growth, flat: growth.low <= 0 || growth.slope < NOISE_MB || durationMs < SHORTEST_MS };
  };
  const least = (values: readonly number[]): number => Math.min(...values);
  const memory = {
    rss: over(({ rss }) => rss, median),
    // Between collections both are a saw; what stays is at its feet.
    heap: over(({ heap }) => heap, least),
    buffers: over(({ buffers }) => buffers, least),
    edgeRss: over(({ edgeRss }) => edgeRss, median),
  };
  const delays = Float64Array.from(warm, ({ delayMs }) => delayMs).sort();
  const handlesOf = (block: typeof warm): number => median(block.map(({ handles }) => handles));
  const handles = {
    early: handlesOf(blocks.slice(0, 5).flat()),
    late: handlesOf(blocks.slice(-5).flat()),
    most: Math.max(...warm.map((sample) => sample.handles)),
  };
  const because = [
    ...complaints,
    ...Object.entries(memory).flatMap(([name, { flat, growth }]) =>
      flat ? [] : [`${name} grows by ${growth.slope.toFixed(1)} MB an hour`],
    ),
    ...(handles.late > 2 * handles.early + 10 ? [`open handles grow from ${handles.early} to ${handles.late}`] : []),
  ];
  return {
    memory,
    eventLoopDelayMs: { median: quantile(delays, 0.5), p99: quantile(delays, 0.99), worst: quantile(delays, 1) },
    handles,
    verdict: { good: because.length === 0, because },
  };
}

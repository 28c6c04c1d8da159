// The origin at full speed, on the page.

import type { OriginReport } from '../../origin.bench.ts';
import type { LoadFigures, OpenFigures } from '../origin/load.ts';
import type { MemoryFigures } from '../origin/memory.ts';
import type { MixesFigures } from '../origin/distinct-mixes.ts';
import type { ThroughputFigures } from '../origin/throughput.ts';
import { barPlot } from '../plot/bars.ts';
import { curvePlot } from '../plot/curves.ts';
import { spellEstimate, type Line, type Plot, type Section } from './section.ts';

/** Limits of issue-wide targets. */
const LIMITS = { rssOfSessions: 0.35, factors: 1.3, worstByBest: 1.5, p99ByP50: 4, goodput: 0.95 };

/** The section. */
export function originSection({ threads, instances, inFlight, throughput, memory, load, mixes }: OriginReport): Section {
  return {
    title: 'Origin',
    about:
      `MiniLM, ${instances} instances of ${threads} threads, CPU, fp32. Throughput is of rows behind the origin’s own batcher in one process, batches of up to 32, ${inFlight} rows in flight, ` +
      (throughput === undefined
        ? ''
        : `${throughput.rows} test rows a round (${throughput.meanTokens.toFixed(0)} tokens on average), ${throughput.rounds} rounds in which all take turns; ratios are medians within rounds. `) +
      'The plain model is one expert folded into plain weights (`twinroute export --format onnx --mix`), padded, in the same onnxruntime, as many instances of it, with the same batcher and the same choice of rows by length. ' +
      'Load is real HTTP from a process of its own on the same cores, one row a request. Intervals are 95 %, bootstrap.',
    lines: [
      ...(throughput === undefined ? [] : throughputLines(throughput)),
      ...(mixes === undefined ? [] : mixesLines(mixes)),
      ...(memory === undefined ? [] : memoryLines(memory)),
      ...(load === undefined ? [] : loadLines(load)),
    ],
    plots: [...(throughput === undefined ? [] : [throughputPlot(throughput)]), ...(mixes === undefined ? [] : [mixesPlot(mixes)])],
    notes: [
      'Multiply-adds alone: what is left of the plain model’s throughput when every row also pays for the factors of its own experts, at the speed of the plain products; mixes with weights of their own pay nothing.',
      'PEFT in torch serves one adapter a row and cannot weigh two; it takes batches of 32 of the rows nearest in length. Rows of all peers are tokenised before the clock starts, too.',
      'Eight sessions: plain models side by side in one process, each with its own batcher and thread, and each with a pool of as many threads as the machine has cores; with one thread each; or one at a time.',
    ],
  };
}

function throughputLines({ subjects, ratios }: ThroughputFigures): Line[] {
  return [
    ...subjects.map(({ name, target, limit, ofPlain, rowsPerSecond, rowsPerRun }): Line => ({
      what: name,
      ...(target !== undefined && { target: `≥ ${target} of plain`, met: ofPlain.value >= target }),
      measured: `${spellEstimate(ofPlain, 3)} of plain${limit === undefined ? '' : ` (multiply-adds alone: ${limit.toFixed(2)})`}; ${rowsPerSecond.toFixed(0)} rows a second, ${rowsPerRun.toFixed(1)} a run`,
    })),
    ...ratios.map(({ name, target, ratio }): Line => ({
      what: name,
      ...(target !== undefined && { target: `≥ ${target}`, met: ratio.value >= target }),
      measured: spellEstimate(ratio, 2),
    })),
  ];
}

function mixesLines({ points, worstByBest, perSecond }: MixesFigures): Line[] {
  return [
    {
      what: `Distinct mixes of two experts from 1 to 10,000 at ${perSecond.toFixed(0)} requests a second (half of capacity): worst p95 over best`,
      target: `≤ ${LIMITS.worstByBest}`,
      measured: `${spellEstimate(worstByBest, 2)}; p95 ${points.map(({ mixes, p95 }) => `${p95.value.toFixed(0)} ms with ${mixes}`).join(', ')}`,
      met: worstByBest.value <= LIMITS.worstByBest,
    },
  ];
}

function memoryLines({ sessions, origin, promoted, experts }: MemoryFigures): Line[] {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  const [empty, first] = sessions;
  const eight = sessions[sessions.length - 1] - empty;
  const one = first - empty;
  const own = origin[1] - origin[0];
  const ofSessions = (own + promoted) / eight;
  return [
    {
      what: 'RSS growth of the origin with eight experts, and all the weights that hot mixes may have, over that of eight sessions',
      target: `≤ ${LIMITS.rssOfSessions}`,
      measured: `${ofSessions.toFixed(2)}: ${megabytes(own)} and at most ${megabytes(promoted)} over ${megabytes(eight)}; without hot mixes ${(own / eight).toFixed(2)}; beyond the one model that both need (${megabytes(one)}) ${((own + promoted - one) / (eight - one)).toFixed(2)} and ${((own - one) / (eight - one)).toFixed(2)}`,
      met: ofSessions <= LIMITS.rssOfSessions,
    },
    {
      what: 'RSS growth from no expert to 100 of rank 16, by the bytes of their factors in fp32',
      target: `≤ ${LIMITS.factors}`,
      measured: `${((experts.all - experts.none) / experts.factors).toFixed(2)} (${megabytes(experts.all - experts.none)} for ${megabytes(experts.factors)})`,
      met: (experts.all - experts.none) / experts.factors <= LIMITS.factors,
    },
  ];
}

function loadLines({ capacity, clients, loadCpuMs, open, overload, hurried }: LoadFigures): Line[] {
  return [
    {
      what: `Capacity over HTTP, ${clients} clients, sample pack, every request another expert`,
      measured: `${spellEstimate(capacity, 0)} a second; the load itself takes ${loadCpuMs.toFixed(2)} ms of CPU a request`,
    },
    {
      what: `Open loop at 0.8 of capacity (${open.perSecond.toFixed(0)} a second): p99 over p50`,
      target: `≤ ${LIMITS.p99ByP50}`,
      measured: `${spellEstimate(open.p99ByP50, 2)}; p50 ${spellEstimate(open.p50, 1, ' ms')}, p99 ${spellEstimate(open.p99, 1, ' ms')}; ${percent(open.refused)} refused`,
      met: open.p99ByP50.value <= LIMITS.p99ByP50,
    },
    overloadLine(`Twice the capacity (${overload.perSecond.toFixed(0)} a second): good answers by capacity`, overload),
    overloadLine(`The same, every request with ${hurried.deadlineMs} ms to go`, hurried),
  ];
}

function overloadLine(what: string, { goodput, refused, failed, withRetryAfter, refusalP50, refusalP99, p50, p99 }: OpenFigures): Line {
  const refusals =
    refusalP50 === undefined || refusalP99 === undefined
      ? 'none refused'
      : `${percent(refused)} refused in ${refusalP50.toFixed(1)} ms (p99 ${refusalP99.toFixed(0)} ms), ${percent(withRetryAfter)} of them with Retry-After`;
  return {
    what,
    target: `≥ ${LIMITS.goodput}, the rest refused at once with Retry-After`,
    measured: `${spellEstimate(goodput, 3)}; ${refusals}; ${percent(failed)} timed out or failed; good answers p50 ${p50.value.toFixed(0)} ms, p99 ${p99.value.toFixed(0)} ms`,
    met: goodput.value >= LIMITS.goodput && failed < 0.01 && withRetryAfter === 1,
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Colours of plain models, ours and peers. */
const colourOf = (key: string): number => (key === 'plain' || key === 'one-mix' ? 2 : /^(sessions|peft|torch)/.test(key) ? 1 : 0);

function throughputPlot({ subjects }: ThroughputFigures): Plot {
  return {
    file: 'origin-throughput.svg',
    about: 'Rows a second by those of one plain model',
    svg: barPlot(
      'Rows a second by those of one plain merged model',
      'ratio, 95 % intervals',
      subjects.map(({ key, name, target, ofPlain: { value, low, high } }) => ({
        name: name.replaceAll('`', ''),
        value,
        low,
        high,
        colour: colourOf(key),
        ...(target !== undefined && { target }),
      })),
    ),
  };
}

function mixesPlot({ points }: MixesFigures): Plot {
  return {
    file: 'origin-mixes.svg',
    about: 'Latency over the number of distinct mixes',
    svg: curvePlot('Latency over the number of distinct mixes', { x: 'distinct mixes', y: 'milliseconds' }, [
      { name: 'p95', points: points.map(({ mixes, p95: { value, low, high } }) => ({ x: mixes, y: value, low, high })) },
      { name: 'p50', points: points.map(({ mixes, p50: { value, low, high } }) => ({ x: mixes, y: value, low, high })) },
    ]),
  };
}

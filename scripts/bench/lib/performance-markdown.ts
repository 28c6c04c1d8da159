// docs/performance.md from the benches' JSON: one line for each figure, with its target and where it was measured.

import type { BuildReport } from '../build.bench.ts';
import type { EdgeReport } from '../edge.bench.ts';
import type { GatewayReport } from '../gateway.bench.ts';
import type { QualityReport } from '../quality.bench.ts';
import type { ResilienceReport } from '../resilience.bench.ts';
import type { RouterReport } from '../router.bench.ts';
import type { ThroughputReport } from '../throughput.bench.ts';
import { markdownTable } from './markdown-table.ts';
import { describeFacts, type RunFacts } from './run-facts.ts';

/** Reports by bench; those that never ran are absent. */
export interface Reports {
  readonly build?: BuildReport;
  readonly router?: RouterReport;
  readonly edge?: EdgeReport;
  readonly resilience?: ResilienceReport;
  readonly gateway?: GatewayReport;
  readonly throughput?: ThroughputReport;
  readonly quality?: QualityReport;
}

/** One line of the page. A figure without a target was asked for by nobody and is there to be known. */
interface Line {
  readonly what: string;
  readonly target?: string;
  readonly measured: string;
}

/** Longest builds from adapters, seconds, by engine. */
const BUILD_SECONDS: Readonly<Record<string, string>> = { tensorflow: '≤ 20 s', wasm: '≤ 60 s' };

/** The page. */
export function performanceMarkdown({ build, router, edge, resilience, gateway, throughput, quality }: Reports): string {
  const sections: readonly (readonly [title: string, note: string, facts: RunFacts | undefined, lines: readonly Line[]])[] = [
    [
      'Build',
      'Each build is a process of its own; times are medians, memory is the largest of all runs.',
      build?.facts,
      build === undefined ? [] : buildLines(build),
    ],
    [
      'Router',
      'Accuracy over all rows of the split; training and scoring on the same machine, one thread each for scoring.',
      router?.facts,
      router === undefined ? [] : routerLines(router),
    ],
    [
      'Edge',
      'The real Worker in workerd. Times are differences within pairs of POST /v1/route and a no-op of the same Worker with the same body on one connection, with 95 % bootstrap intervals. ' +
        'Miniflare stands before the Worker in both requests of a pair.',
      edge?.facts,
      edge === undefined ? [] : edgeLines(edge),
    ],
    [
      'Many origins',
      'What callers of POST /v1/predict see while origins fail; requests at random times, signed, over real HTTP through workerd. The origins wait instead of computing.',
      resilience?.facts,
      resilience === undefined ? [] : resilienceLines(resilience),
    ],
    [
      'The whole edge beside another gateway',
      'What a gateway adds to a direct call of the same mock origin, within pairs of calls a few milliseconds apart, with 95 % bootstrap intervals. Ours authenticates, assigns, routes by content, signs, verifies, reserves and charges on disk; ' +
        'the other does its least.',
      gateway?.facts,
      gateway === undefined ? [] : gatewayLines(gateway),
    ],
    [
      'One process of workerd',
      'POST /v1/predict before a mock origin with 32 clients; the whole edge, and with parts left out one after another. The profile is of self time that is not idle.',
      throughput?.facts,
      throughput === undefined ? [] : throughputLines(throughput),
    ],
    [
      'Quality',
      'In percent of each expert’s own score; the tables are in [quality.md](quality.md).',
      quality?.facts,
      quality === undefined ? [] : qualityLines(quality),
    ],
  ];
  const parts = sections.flatMap(([title, note, facts, lines]) =>
    facts === undefined
      ? []
      : [
          `## ${title}`,
          note,
          `Run: ${describeFacts(facts)}.`,
          markdownTable(
            ['what', 'target', 'measured', 'machine', 'commit'],
            lines.map(({ what, target = '', measured }) => [
              what,
              target,
              measured,
              `${facts.machine.cpu}, ${facts.machine.cores} cores`,
              facts.commit,
            ]),
          ),
        ],
  );
  return `${['# Performance', 'Written by `npm run bench`. Figures of one machine; nothing in the gate depends on them.', ...parts].join('\n\n')}\n`;
}

function buildLines({ results }: BuildReport): Line[] {
  const [first] = results;
  return [
    { what: 'Pack of the sample: everything but the shared model’s weights', target: '≤ 8 MB', measured: megabytes(first.pack.rest) },
    { what: '(shared + experts) / one fp16 model', target: '≤ 1.25', measured: first.pack.ratio.toFixed(3) },
    ...results.flatMap(({ input, engine, runs, wallSeconds, userSeconds, peakRssBytes }): Line[] => {
      const what = `Build from ${input} on ${engine}`;
      const isFull = input === 'full checkpoints';
      const seconds = isFull ? (engine === 'tensorflow' ? '≤ 180 s' : undefined) : BUILD_SECONDS[engine];
      return [
        {
          what,
          ...(seconds !== undefined && { target: seconds }),
          measured: `${wallSeconds.median.toFixed(1)} s (shortest ${wallSeconds.min.toFixed(1)}, ${runs} runs; user CPU ${userSeconds.toFixed(1)} s)`,
        },
        { what: `${what}: peak RSS`, ...(isFull && { target: '≤ 1.5 GB' }), measured: megabytes(peakRssBytes) },
      ];
    }),
  ];
}

function routerLines({ device, split, results }: RouterReport): Line[] {
  return results.map((result) => {
    const isOurs = result.who !== 'fastText';
    const peer = results.find((other) => other.who === 'fastText' && other.regime === result.regime);
    const target = result.regime === 'own' ? '≥ 0.85' : peer !== undefined ? `≥ ${peer.accuracy.toFixed(4)} (fastText)` : undefined;
    return {
      what: `${isOurs ? 'Router' : 'fastText'} from ${result.rows} rows (${result.regime === 'own' ? 'the project’s own examples' : `${result.regime} a task`}), ${split} rows`,
      ...(isOurs && target !== undefined && { target }),
      measured: `${result.accuracy.toFixed(4)}; ${result.megabytes.toFixed(2)} MB; trained in ${result.trainSeconds.toFixed(1)} s${isOurs ? ` (${device})` : ''}; ${result.microsecondsPerText.toFixed(0)} µs a text`,
    };
  });
}

function edgeLines({ bytes, cold, cases, memory }: EdgeReport): Line[] {
  const targets: Readonly<Record<string, string>> = { '256 tokens': 'p50 ≤ 1 ms, p99 ≤ 3 ms' };
  const last = memory[memory.length - 1];
  const warm = memory[memory.length - 2];
  return [
    ...cases.map(({ name, ratio, difference, pairs }): Line => {
      const [p50, p90, p99] = difference.map(({ value, low, high }) => `${value.toFixed(3)} ms [${low.toFixed(3)}, ${high.toFixed(3)}]`);
      const target = targets[name];
      return {
        what: `Router in workerd, ${name}`,
        ...(target !== undefined && { target }),
        measured: `p50 ${p50}, p90 ${p90}, p99 ${p99}; ${ratio.toFixed(2)} times the no-op; ${pairs} pairs`,
      };
    }),
    {
      what: `Isolate after ${last.requests} requests: heap pages, buffers and WebAssembly memory`,
      target: '≤ 100 MB',
      measured: `${megabytes(last.isolate)}; ${megabytes(warm.isolate)} after ${warm.requests}`,
    },
    ...(last.processRss === undefined || warm.processRss === undefined
      ? []
      : [
          {
            what: 'The whole workerd process: this isolate, miniflare’s own and the runtime, RSS',
            measured: `${megabytes(last.processRss)}; ${megabytes(warm.processRss)} after ${warm.requests}`,
          },
        ]),
    {
      what: 'First answers of a fresh workerd',
      measured: `isolate with a no-op ${cold.isolateMs.toFixed(0)} ms, then router session with a route ${cold.sessionMs.toFixed(0)} ms; medians of ${cold.starts} starts`,
    },
    { what: 'Router file', target: '≤ 4 MB', measured: megabytes(bytes.router) },
    { what: 'Worker bundle, raw', target: '≤ 20 MiB', measured: `${(bytes.bundle / 2 ** 20).toFixed(2)} MiB` },
  ];
}

function resilienceLines({ cases, rate, seconds }: ResilienceReport): Line[] {
  const healthy = cases.find(({ name }) => name === 'healthy');
  return cases.map(({ name, goodput, p50, p99, attempts }) => ({
    what: `Three origins, ${name}; ${rate} requests a second for ${seconds} s`,
    ...(name !== 'healthy' && name !== 'all dead' && { target: 'goodput ≥ 99 %, p99 ≤ 2 × healthy' }),
    measured:
      `goodput ${(100 * goodput).toFixed(2)} %` +
      (goodput === 0 ? '' : `, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`) +
      (healthy === undefined || goodput === 0
        ? ''
        : ` (${(p99 / healthy.p99).toFixed(2)} × healthy), ${attempts.toFixed(2)} attempts an answer`),
  }));
}

function gatewayLines({ ways, difference, peer }: GatewayReport): Line[] {
  const ms = ({ value, low, high }: { value: number; low: number; high: number }): string =>
    `${value.toFixed(2)} ms [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  return [
    ...ways.map(({ name, whole, added, busy, busyAdded, requestsPerSecond, cpuMs }): Line => ({
      what: name,
      measured:
        `p50 ${whole[0].value.toFixed(2)} ms; added p50 ${ms(added[0])}, p99 ${ms(added[1])}; 16 clients: p50 ${busy[0].value.toFixed(2)} ms, added ${ms(busyAdded)}, ` +
        `${requestsPerSecond.toFixed(0)} a second, ${cpuMs.toFixed(2)} ms of CPU a request`,
    })),
    ...(difference === undefined ? [] : [{ what: `Added p50: ours − ${peer}`, target: '< 0', measured: ms(difference) }]),
  ];
}

function throughputLines({ ways, profiles }: ThroughputReport): Line[] {
  return [
    ...ways.map(({ name, requestsPerSecond, cpuMs: { value, low, high }, p50 }): Line => ({
      what: name,
      measured: `${requestsPerSecond.toFixed(0)} a second, ${value.toFixed(2)} ms of CPU a request [${low.toFixed(2)}, ${high.toFixed(2)}], p50 ${p50.toFixed(1)} ms`,
    })),
    ...profiles.map(({ name, shares }): Line => ({
      what: `Where its time goes, ${name}`,
      measured: shares.byFile
        .slice(0, 10)
        .map(({ where, share }) => `${where} ${(100 * share).toFixed(0)} %`)
        .join(', '),
    })),
  ];
}

function qualityLines({ whole }: QualityReport): Line[] {
  const sample = whole.find(({ setting }) => setting.startsWith('experts/twin.yaml'));
  if (sample === undefined) return [];
  const { oracle, routed, routingAccuracy } = sample.own;
  return [
    { what: 'The sample pack, oracle route, test rows', target: '≥ 98.5', measured: oracle.all.toFixed(2) },
    { what: 'The same, routed, router from up to 3,000 training rows a task', target: '≥ 97', measured: routed?.all.toFixed(2) ?? '–' },
    { what: 'Its routing accuracy', target: '≥ 0.985', measured: routingAccuracy?.toFixed(4) ?? '–' },
  ];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

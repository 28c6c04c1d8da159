// What an isolate of workerd computes: V8's sampling profiler through the inspector, and its samples by source file.

import { writeFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { parseWith } from '../../../src/contract/parse.ts';
import { inspect } from './inspector.ts';

/** Microseconds between samples. */
const INTERVAL_US = 200;

const Profile = z.looseObject({
  nodes: z.array(
    z.looseObject({ id: z.number(), callFrame: z.looseObject({ functionName: z.string(), url: z.string(), lineNumber: z.number() }) }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});
const Stopped = z.looseObject({ profile: Profile });

/** Where time went. */
export interface ProfileRow {
  readonly where: string;
  /** Of all time that was not idle, in [0, 1]. */
  readonly share: number;
}

/** Shares of an isolate's time, the largest first. */
export interface ProfileShares {
  readonly byFile: readonly ProfileRow[];
  readonly byFunction: readonly ProfileRow[];
}

/**
 * Profiles an isolate while `during` runs.
 * @param script its bundled script; the bundler's comments tell which file a line is from
 * @param file where the profile itself is written, for Chrome's or an editor's viewer; nowhere when undefined
 */
export async function profileIsolate(
  inspector: URL,
  isolate: string,
  script: string,
  during: () => Promise<void>,
  file?: string,
): Promise<ProfileShares> {
  const session = await inspect(inspector, isolate);
  try {
    await session.send('Profiler.enable');
    await session.send('Profiler.setSamplingInterval', { interval: INTERVAL_US });
    await session.send('Profiler.start');
    await during();
    const { profile } = parseWith(Stopped, await session.send('Profiler.stop'), 'profiler', 'upstream');
    if (file !== undefined) writeFileSync(file, JSON.stringify(profile));
    return sharesOf(profile, filesByLine(script));
  } finally {
    session.close();
  }
}

function sharesOf({ nodes, samples, timeDeltas }: z.infer<typeof Profile>, files: readonly string[]): ProfileShares {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byFile = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let total = 0;
  for (const [i, id] of samples.entries()) {
    const frame = frames.get(id);
    if (frame === undefined || frame.functionName === '(idle)') continue;
    const where = placeOf(frame, files);
    total += timeDeltas[i];
    byFile.set(where, (byFile.get(where) ?? 0) + timeDeltas[i]);
    const name = `${frame.functionName || '(anonymous)'} · ${where}`;
    byFunction.set(name, (byFunction.get(name) ?? 0) + timeDeltas[i]);
  }
  return { byFile: rows(byFile, total), byFunction: rows(byFunction, total) };
}

function placeOf(
  { functionName, url, lineNumber }: { functionName: string; url: string; lineNumber: number },
  files: readonly string[],
): string {
  if (functionName.startsWith('wasm') || functionName.startsWith('js-to-wasm') || url.startsWith('wasm'))
    return 'onnxruntime (WebAssembly)';
  if (functionName === '(program)') return 'the runtime: events, sockets, SQLite';
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (url === '') return 'the runtime, called from JavaScript';
  return url.endsWith('index.js') ? files[lineNumber] : url;
}

function rows(times: ReadonlyMap<string, number>, total: number): ProfileRow[] {
  return Array.from(times, ([where, time]) => ({ where, share: time / total })).sort((a, b) => b.share - a.share);
}

/** The source file of each line of a bundle: esbuild writes its name before each module. Packages by their names. */
function filesByLine(script: string): readonly string[] {
  let file = 'the bundle';
  return script.split('\n').map((line) => {
    const named = /^\/\/ (?:\S*\/)?((?:node_modules|src)\/\S+)$/.exec(line)?.[1];
    if (named !== undefined) file = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(named)?.[1] ?? named;
    return file;
  });
}

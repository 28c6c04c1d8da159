// Answers to a batch as they come. A connection that breaks is taken up again: the edge repeats, under the same name, what was paid for, and what it
// had given up is asked for anew.

import { call, newName } from './call.ts';
import { waitMs } from './backoff.ts';
import { sleep, startDeadline, type Deadline } from './deadline.ts';
import { ConnectionError } from './errors.ts';
import type { CallOptions, Settings } from './options.ts';
import { readLines } from './read-lines.ts';
import type { PredictInput, PredictLine, PredictSummary } from './types.ts';

/** Interruptions in a row, without a new line between them, after which it is given up. */
const INTERRUPTIONS = 3;

/**
 * A line for each input, in the order in which they are answered, and the summary at last.
 * @throws {ClientError} when it cannot be begun, or goes on breaking
 */
export async function* stream(
  settings: Settings,
  inputs: readonly PredictInput[],
  options: CallOptions,
): AsyncGenerator<PredictLine, void, undefined> {
  const left = new AbortController();
  const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
  const deadline = startDeadline(settings, { ...options, signal });
  const seen = new Set<number>();
  const summaries: PredictSummary[] = [];
  try {
    const name = options.idempotencyKey ?? newName();
    let round = 1;
    let asked = inputs.map((_, index) => index);
    for (let broken = 0; ;) {
      const before = seen.size;
      let summary: PredictSummary | undefined;
      try {
        for await (const line of open(settings, inputs, asked, { ...options, signal }, round === 1 ? name : `${name}.${round}`, deadline)) {
          if ('summary' in line) {
            summary = line.summary;
            continue;
          }
          const index = asked.at(line.index);
          if (index === undefined) throw new ConnectionError(`stream: expected the place of an input, got ${line.index}`);
          if (seen.has(index)) continue;
          seen.add(index);
          yield { ...line, index };
        }
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        broken = seen.size > before ? 1 : broken + 1;
        if (broken > INTERRUPTIONS) throw error;
        await sleep(waitMs(broken, undefined, settings.random()), deadline);
        continue;
      }
      if (summary !== undefined) summaries.push(summary);
      if (seen.size === inputs.length) {
        yield { summary: total(summaries) };
        return;
      }
      const rest = asked.filter((index) => !seen.has(index));
      if (rest.length === asked.length) throw new ConnectionError(`stream: expected answers to ${inputs.length} inputs, got ${seen.size}`);
      asked = rest;
      // Another process that repeats the whole under the same name comes to the same rest, and finds it answered.
      round += 1;
    }
  } finally {
    left.abort();
  }
}

/** One stream's lines. @throws {ConnectionError} when it breaks, or ends without a summary */
async function* open(
  settings: Settings,
  inputs: readonly PredictInput[],
  asked: readonly number[],
  options: CallOptions,
  name: string,
  deadline: Deadline,
): AsyncGenerator<PredictLine, void, undefined> {
  const body = { inputs: asked.map((index) => inputs[index]) };
  const question = { method: 'POST', path: '/v1/predict', accept: 'application/x-ndjson', body, name } as const;
  const response = await call(settings, question, options, (answer) => Promise.resolve(answer), deadline);
  let whole = false;
  try {
    for await (const line of readLines(response.body ?? new ReadableStream())) {
      if (!isLine(line)) throw new ConnectionError('stream: expected an answer, an error or a summary, got another line');
      whole = 'summary' in line;
      yield line;
    }
  } catch (cause) {
    if (deadline.signal.aborted) throw deadline.reason();
    throw cause instanceof ConnectionError ? cause : new ConnectionError('stream: expected its end, got a broken connection', { cause });
  }
  if (!whole) throw new ConnectionError('stream: expected a summary, got an end without one');
}

function isLine(line: unknown): line is PredictLine {
  return typeof line === 'object' && line !== null && ('summary' in line || ('index' in line && ('prediction' in line || 'error' in line)));
}

/** Several streams' summaries as one; nothing was cancelled in the end. */
function total(summaries: readonly PredictSummary[]): PredictSummary {
  const [first] = summaries;
  const sum = (pick: (summary: PredictSummary) => number): number => summaries.reduce((so, summary) => so + pick(summary), 0);
  const union = (pick: (summary: PredictSummary) => readonly string[]): string[] => [...new Set(summaries.flatMap(pick))].sort();
  return {
    id: first.id,
    answers: sum(({ answers }) => answers),
    failures: sum(({ failures }) => failures),
    cancelled: 0,
    usage: {
      tokens: sum(({ usage }) => usage.tokens),
      configs: union(({ usage }) => usage.configs),
      experts: union(({ usage }) => usage.experts),
    },
    ...(first.charge !== undefined && { charge: { ...first.charge, micros: sum(({ charge }) => charge?.micros ?? 0) } }),
  };
}

// What a soak asks: a registry of kinds, drawn by weight. A kind throws where an answer is not what it should be.

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { Prediction } from '../../src/contract/http.ts';
import type { Random } from '../../src/core/random.ts';
import { askEdge, inferBody, inferRows, type Form } from './ask.ts';
import { pick, type Cases, type Question, type Row } from './cases.ts';
import { MALFORMED, PROBES } from './other-requests.ts';
import type { Outcome } from './tally.ts';

/** Who is asked, and of what. */
export interface Target {
  readonly origin: string;
  readonly edge: string;
  readonly model: string;
  readonly cases: Cases;
  readonly random: Random;
  /** Which mix is the hot one changes with it. */
  readonly era: number;
}

interface Kind {
  readonly name: string;
  readonly weight: number;
  ask(target: Target): Promise<Outcome>;
}

/** Farthest that an answer may be from the first one, by numbers of this size or 1: each of the two may be 1e-5 from the dense merge's. */
const TOLERANCE = 2e-5;
/** Refusals that tell the caller to come again: deliberate, and never wrong. */
const REFUSALS = new Set([429, 503]);

const KINDS: readonly Kind[] = [
  { name: 'hot expert', weight: 30, ask: (target) => rows(target, hot(target, 1 + target.random.below(4)), 'json') },
  {
    name: 'one expert',
    weight: 12,
    ask: (target) => rows(target, [pick(pick(target.cases.single, target.random), target.random)], 'json'),
  },
  { name: 'two experts', weight: 12, ask: (target) => rows(target, [pick(target.cases.mixed, target.random)], 'json') },
  { name: 'rows in JSON', weight: 6, ask: (target) => rows(target, anyRows(target, 2 + target.random.below(15)), 'json') },
  { name: 'rows in binary', weight: 10, ask: (target) => rows(target, anyRows(target, 1 + target.random.below(16)), 'binary') },
  { name: 'in a hurry', weight: 2, ask: hurried },
  { name: 'edge', weight: 8, ask: edge },
  { name: 'edge in lines', weight: 4, ask: edgeLines },
  { name: 'leaves within the body', weight: 4, ask: leavesEarly },
  { name: 'leaves within the answer', weight: 4, ask: leavesLate },
  { name: 'malformed', weight: 4, ask: malformed },
  { name: 'probe', weight: 4, ask: probe },
];
const TOTAL = KINDS.reduce((sum, { weight }) => sum + weight, 0);

/** The kind of the next request. */
export function chooseKind(random: Random): Kind {
  let rest = random.uniform() * TOTAL;
  return KINDS.find(({ weight }) => (rest -= weight) < 0) ?? KINDS[0];
}

function hot({ cases, random, era }: Target, count: number): readonly Row[] {
  const own = cases.single[era % cases.single.length];
  return Array.from({ length: count }, () => pick(own, random));
}

function anyRows({ cases, random }: Target, count: number): readonly Row[] {
  return Array.from({ length: count }, () =>
    random.below(2) === 0 ? pick(cases.mixed, random) : pick(pick(cases.single, random), random),
  );
}

async function rows({ origin, model }: Target, asked: readonly Row[], form: Form): Promise<Outcome> {
  const { status, logits } = await inferRows(origin, model, asked, form);
  if (REFUSALS.has(status)) return { status: String(status), difference: 0 };
  if (status !== 200) throw new Error(`expected 200, got ${status}`);
  return { status: '200', difference: Math.max(...asked.map((row, i) => compare(logits[i], row.logits))) };
}

/** With next to no time: an answer, or word that time is up. */
async function hurried({ origin, model, cases, random }: Target): Promise<Outcome> {
  const asked = [pick(cases.mixed, random)];
  const deadline = { 'x-request-deadline-ms': String(1 + random.below(20)) };
  const { status, logits } = await inferRows(origin, model, asked, 'json', deadline);
  if (status === 504 || REFUSALS.has(status)) return { status: String(status), difference: 0 };
  if (status !== 200) throw new Error(`expected 200 or 504, got ${status}`);
  return { status: '200', difference: compare(logits[0], asked[0].logits) };
}

const askedOf = ({ text, pair, task }: Question) => ({ text, task, ...(pair !== '' && { text_pair: pair }) });

async function edge({ edge: url, cases, random }: Target): Promise<Outcome> {
  const question = pick(cases.questions, random);
  const response = await askEdge(url, askedOf(question));
  const body: unknown = await response.json();
  if (REFUSALS.has(response.status)) return { status: String(response.status), difference: 0 };
  if (response.status !== 200) throw new Error(`expected 200, got ${response.status}`);
  return { status: '200', difference: compareScores(z.parse(Prediction, body), question) };
}

const Line = z.object({
  index: z.optional(z.number()),
  prediction: z.optional(Prediction),
  error: z.optional(z.object({ code: z.string() })),
});

async function edgeLines({ edge: url, cases, random }: Target): Promise<Outcome> {
  const questions = Array.from({ length: 2 + random.below(10) }, () => pick(cases.questions, random));
  const response = await askEdge(url, { inputs: questions.map(askedOf) }, 'application/x-ndjson');
  const text = await response.text();
  if (response.status !== 200) throw new Error(`expected 200, got ${response.status}`);
  let worst = 0;
  let answers = 0;
  for (const line of text.split('\n').filter(Boolean)) {
    const { index, prediction, error } = z.parse(Line, JSON.parse(line));
    if (error !== undefined) throw new Error(`expected a prediction, got ${error.code}`);
    if (index === undefined || prediction === undefined) continue;
    answers += 1;
    worst = Math.max(worst, compareScores(prediction, questions[index]));
  }
  if (answers !== questions.length) throw new Error(`expected ${questions.length} lines, got ${answers}`);
  return { status: '200', difference: worst };
}

/** Sends a part of its body, and hangs up. */
function leavesEarly(target: Target): Promise<Outcome> {
  const { body, headers } = inferBody(anyRows(target, 8), 'json');
  return hangUp(target, headers, body.length, body.subarray(0, target.random.below(body.length)), target.random.below(200));
}

/** Sends everything, and does not wait for the end of the answer. */
function leavesLate(target: Target): Promise<Outcome> {
  const { body, headers } = inferBody(anyRows(target, 1 + target.random.below(32)), target.random.below(2) === 0 ? 'json' : 'binary');
  return hangUp(target, headers, body.length, body, target.random.below(120));
}

async function hangUp(
  { origin, model }: Target,
  headers: Readonly<Record<string, string>>,
  length: number,
  body: Buffer,
  afterMs: number,
): Promise<Outcome> {
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined).resume();
  const lines = Object.entries({ host: hostname, 'content-length': String(length), ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.write(`POST /v2/models/${model}/infer HTTP/1.1\r\n${lines.join('')}\r\n`);
  socket.write(body);
  await sleep(afterMs);
  socket.destroy();
  return { status: 'left', difference: 0 };
}

async function malformed({ origin, model, random }: Target): Promise<Outcome> {
  const { name, status, init, path } = pick(MALFORMED, random);
  const response = await fetch(`${origin}${path(model)}`, init);
  await response.arrayBuffer();
  if (response.status !== status && !REFUSALS.has(response.status)) throw new Error(`${name}: expected ${status}, got ${response.status}`);
  return { status: String(response.status), difference: 0 };
}

async function probe({ origin, model, random }: Target): Promise<Outcome> {
  const path = pick(PROBES, random)(model);
  const response = await fetch(`${origin}${path}`, { method: path.startsWith('/v2/repository') ? 'POST' : 'GET' });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${path}: expected 200, got ${response.status}`);
  return { status: '200', difference: 0 };
}

function compareScores({ scores }: Prediction, question: Question): number {
  const names = Object.keys(question.scores);
  return compare(
    names.map((name) => scores[name] ?? Number.NaN),
    names.map((name) => question.scores[name]),
  );
}

/** The largest difference; throws where it is too large. */
function compare(actual: readonly number[], expected: readonly number[]): number {
  let worst = actual.length === expected.length ? 0 : Infinity;
  for (const [i, wanted] of expected.entries()) {
    const difference = Math.abs(actual[i] - wanted) / Math.max(1, Math.abs(wanted));
    worst = difference <= worst ? worst : difference;
  }
  if (worst <= TOLERANCE) return worst;
  throw new Error(`expected an answer within ${TOLERANCE} of the first one, got one ${worst} off`);
}

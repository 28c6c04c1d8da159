// What engines that give text have in common: prompts, what they cannot do, adapters one at a time, and what their refusals mean.

import type { EdgeBundle } from '../../contract/edge-bundle.ts';
import { REQUEST_ID_HEADER } from '../../contract/oip.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { OriginAnswer, OriginRequest } from '../oip.ts';
import type { Asked, Verdict, Wish } from './engine.ts';

/** How an endpoint makes prompts. */
interface Prompting {
  readonly prompt: string;
}

const REFUSED: Verdict = { code: 'invalid_request', retry: false, health: 'up' };
const MISSING: Verdict = { code: 'upstream', retry: true, health: 'doubtful' };
const LOCKED: Verdict = { code: 'upstream', retry: true, health: 'down' };

/**
 * What their statuses mean. All but the text is ours and the same for every request, so a refusal of the request is about the text: it is too long.
 * 404 is an adapter that is not there, 424 one that could not be run.
 * Sources: vLLM (400 also for prompts beyond the context, 404), LoRAX (422, 424, 429), llama.cpp (400, 503 while it loads).
 */
export const GENERATING_VERDICTS: Readonly<Partial<Record<number, Verdict>>> = {
  400: REFUSED,
  413: REFUSED,
  422: REFUSED,
  403: LOCKED,
  404: MISSING,
  424: MISSING,
};

/** What no engine of adapters can do. */
export function cannotGenerate({ prompt }: Prompting, { bundle, row, originRoutes }: Wish): string | undefined {
  if (originRoutes) return 'route by a router of its own';
  if (bundle.gated === true) return 'run gates inside the model';
  return row.textPair !== undefined && !prompt.includes('{text_pair}') ? 'read a text pair: its prompt has no {text_pair}' : undefined;
}

/** What no engine can do that takes one adapter at a time: an adapter comes with its own way of answering. */
export function cannotWithOneAdapter({ merge }: Wish): string | undefined {
  const [best] = merge?.mix ?? [];
  return best !== undefined && best.expert !== merge?.head ? 'answer by another head than the mixed expert’s' : undefined;
}

/** The prompt of a row. What stands in braces within the texts stays as it is. */
export function promptOf({ prompt }: Prompting, { text, textPair = '' }: Pick<OriginRequest, 'text' | 'textPair'>): string {
  return prompt.replaceAll(/\{text(_pair)?\}/g, (_, pair: string | undefined) => (pair === undefined ? text : textPair));
}

/** The merge that was decided. @throws {TwinrouteError} `internal`: without one, nobody is asked here */
export function mergeOf({ merge }: OriginRequest): NonNullable<OriginRequest['merge']> {
  if (merge !== undefined) return merge;
  throw new TwinrouteError('internal', 'engine: expected a merge, got none');
}

/** Headers of a request in JSON. */
export function jsonHeaders({ row, trace }: Pick<Asked, 'row' | 'trace'>): Record<string, string> {
  return { 'content-type': 'application/json', [REQUEST_ID_HEADER]: row.id, ...trace };
}

/** What one adapter at a time makes of a merge: the best expert at full scale, which is told where another mix was wanted; or nothing. */
export function withOneAdapter({
  mix,
  head,
}: NonNullable<OriginRequest['merge']>): Pick<OriginAnswer, 'mix' | 'head' | 'scores' | 'oneAdapter'> {
  const [best] = mix;
  if (best === undefined) return { mix: [], head, scores: [] };
  const whole = mix.length === 1 && best.weight === 1;
  return { mix: [{ expert: best.expert, weight: 1 }], head, scores: [], ...(!whole && { oneAdapter: true }) };
}

/** Name of an expert's adapter, or undefined for the shared model alone. */
export function adapterOf(adapters: Readonly<Record<string, string>>, mix: OriginAnswer['mix']): string | undefined {
  const [best] = mix;
  return best === undefined ? undefined : (new Map(Object.entries(adapters)).get(best.expert) ?? best.expert);
}

/** An expert of the bundle. */
export function expertOf({ experts }: EdgeBundle, name: string): EdgeBundle['experts'][number] {
  const expert = experts.find((candidate) => candidate.name === name);
  if (expert !== undefined) return expert;
  throw new TwinrouteError('internal', `engine: expected an expert of the pack, got ${name}`);
}

// `twinroute predict PACK`: the whole path in one process. The edge's app and an origin are the real ones; only workerd is not there, so
// the router runs on onnxruntime-node.

import { ErrorBody, Prediction } from '../../contract/http.ts';
import { parseWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { openEdge } from '../local-edge.ts';
import { withPack } from '../open-pack-folder.ts';
import { exactly, requiredOption, textOption } from '../options.ts';
import type { Values, Verb } from '../verb.ts';

/** The verb `predict`. */
export const predict: Verb = {
  name: 'predict',
  summary: 'answers a text: edge, router, merge and head in one process',
  usage: 'PACK --text T [--text-pair P] [--task EXPERT | --mix JSON] [--top-k N]',
  options: {
    text: { type: 'string', help: 'the text' },
    'text-pair': { type: 'string', help: 'the second text, for tasks on two' },
    task: { type: 'string', help: 'expert to answer with; the router is not asked' },
    mix: { type: 'string', help: 'weights by expert as JSON, e.g. {"cola":0.7,"sst2":0.3}' },
    'top-k': { type: 'string', help: 'experts to mix at most; the policy says otherwise' },
    explain: { type: 'boolean', help: 'adds router scores and placement' },
  },
  async run(positionals, values, io, json) {
    const [path] = exactly(positionals, 1, 'one PACK');
    const body = JSON.stringify(requestOf(values, !json));
    const prediction = await withPack(path, async (pack) => {
      const edge = await openEdge(pack, io.log);
      try {
        const response = await edge.request('/v1/predict', body);
        const answer: unknown = await response.json();
        if (response.ok) return parseWith(Prediction, answer, 'answer', 'internal');
        const { error } = parseWith(ErrorBody, answer, 'answer', 'internal');
        throw new TwinrouteError(
          response.status < 500 ? 'invalid_request' : 'unavailable',
          error.message,
          error.param === undefined ? {} : { param: error.param },
        );
      } finally {
        await edge.close();
      }
    });
    io.out(json ? JSON.stringify(prediction) : describe(prediction));
  },
};

function requestOf(values: Values, explain: boolean): object {
  const mix = textOption(values, 'mix');
  const task = textOption(values, 'task');
  if (mix !== undefined && task !== undefined) throw new TwinrouteError('usage', 'expected --task or --mix, got both');
  const topK = textOption(values, 'top-k');
  const pair = textOption(values, 'text-pair');
  return {
    text: requiredOption(values, 'text'),
    ...(pair !== undefined && { text_pair: pair }),
    ...(task !== undefined && { task }),
    ...(mix !== undefined && { mix: parseMixText(mix) }),
    ...(topK !== undefined && { top_k: Number(topK) }),
    ...((explain || values['explain'] === true) && { explain: true }),
  };
}

function parseMixText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TwinrouteError('usage', `--mix: expected JSON, got "${text.slice(0, 100)}"`, { cause, param: 'mix' });
  }
}

function describe({ task, label, scores, mix, usage, abstained, explain }: Prediction): string {
  const best = Object.entries(scores)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 5);
  const router = explain?.router.slice(0, 4).map(({ expert, score }) => `${expert} ${score.toFixed(3)}`);
  return [
    `${task}: ${label ?? best.map(([name, value]) => `${name} ${value.toFixed(3)}`).join(', ')}`,
    ...(label === null ? [] : [`scores  ${best.map(([name, score]) => `${name} ${score.toFixed(3)}`).join(', ')}`]),
    `mix     ${mix.map(({ expert, weight }) => `${expert} ${weight.toFixed(3)}`).join(', ') || (abstained ? 'empty: the router abstained, the shared model answered' : 'empty: the shared model')}`,
    ...(router === undefined || router.length === 0 ? [] : [`router  ${router.join(', ')}`]),
    `tokens  ${usage.tokens}${usage.truncated ? ' (the text was cut)' : ''}`,
  ].join('\n');
}

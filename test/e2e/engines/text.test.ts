// The edge in workerd in front of servers that speak as vLLM, LoRAX and llama.cpp do, by their documentation and sources: real sockets, their answers,
// and their refusals.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import type { RunningEdge } from '../../../src/cli/dev/start-edge.ts';
import { withPack } from '../../../src/cli/open-pack-folder.ts';
import { ErrorBody, HealthAnswer, Prediction } from '../../../src/contract/http.ts';
import { serveEngine, type EngineServer, type Received, type Reply } from '../../helpers/engines/listen.ts';
import { llamaCppReply, loraxReply, vllmReply } from '../../helpers/engines/text-engines.ts';
import { prepareEdge, type PreparedEdge } from '../../helpers/prepare-edge.ts';
import { buildTinyPack, makeTinyInputs, type TinyInputs } from '../../helpers/tiny-pack.ts';

let inputs: TinyInputs;
let prepared: PreparedEdge;
let config = '';
const closing: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  inputs = await makeTinyInputs();
  await withPack(await buildTinyPack(inputs), async (pack) => {
    ({ config } = pack.manifest);
    prepared = await prepareEdge([pack]);
  });
});

afterAll(async () => {
  for (const thing of closing) await thing.close();
  await prepared.remove();
  await inputs.models.remove();
});

const MIX = { birds: 0.6, ships: 0.3 };
const WANTED = [
  { expert: 'birds', weight: 0.6 },
  { expert: 'ships', weight: 0.3 },
];

async function ask(edge: RunningEdge, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${edge.url}/v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  return { status: response.status, headers: response.headers, answer };
}
const predict = async (edge: RunningEdge, body: object): Promise<Prediction> => {
  const { status, answer } = await ask(edge, body);
  expect(status).toBe(200);
  return z.parse(Prediction, answer);
};
const sent = ({ received }: EngineServer): unknown =>
  JSON.parse(received.findLast(({ method }) => method === 'POST')?.body.toString() ?? '');

/** An edge in front of one server, whose replies a test may replace. */
async function setUp(endpoint: object, usual: (request: Received) => Reply, more: Record<string, string> = {}) {
  const script: { reply: ((request: Received) => Reply | Promise<Reply>) | undefined } = { reply: undefined };
  const server = await serveEngine((request) => (script.reply ?? usual)(request));
  const edge = await prepared.start(
    {},
    {
      LOG_LEVEL: 'error',
      ENDPOINTS: JSON.stringify([{ id: 'engine', url: server.url, configs: [config], experts: '*', ...endpoint }]),
      ENDPOINT_TOKENS: '{"engine":"secret"}',
      UPSTREAM: '{"attempts":1,"attempt_ms":2000}',
      ...more,
    },
  );
  closing.push(edge, server);
  return { server, edge, script };
}

type Served = Awaited<ReturnType<typeof setUp>>;

/** What every such engine's refusals mean. */
function refusals(served: () => Served): void {
  test.each([
    [422, 400, 'invalid_request'],
    [400, 400, 'invalid_request'],
    [413, 400, 'invalid_request'],
    [424, 502, 'upstream'],
    [404, 502, 'upstream'],
    [500, 502, 'upstream'],
    [429, 429, 'overloaded'],
    [503, 503, 'unavailable'],
  ])('status %i is %i, %s, and its words are not passed on', async (status, expected, code) => {
    const { edge, script } = served();
    script.reply = () => ({ status, json: { error: 'the text was: secret words', error_type: 'x' }, headers: { 'retry-after': '7' } });
    const { status: got, headers, answer } = await ask(edge, { text: 'a', task: 'birds' });
    const { error } = z.parse(ErrorBody, answer);
    // After some failures the endpoint is left alone.
    if (got !== 503 || expected === 503) expect([got, error.code]).toEqual([expected, code]);
    if (expected === 429) expect(headers.get('retry-after')).toBe('7');
    expect(error.message).not.toContain('secret words');
  });

  test.each([
    ['no JSON', { body: '<html>' }],
    ['another object', { json: { ok: true } }],
    ['a list', { json: [] }],
    ['too much', { body: Buffer.alloc(5 << 20, 0x20) }],
    ['counts that are none', { json: { content: 'x', stop_type: 'eos', tokens_evaluated: -1, tokens_predicted: 1, truncated: false } }],
  ] satisfies [string, Reply][])('%s is no answer', async (_, reply) => {
    const { edge, script } = served();
    script.reply = () => reply;
    expect((await ask(edge, { text: 'a', task: 'birds' })).status).toBeGreaterThanOrEqual(502);
  });

  test('who waits no longer hangs up', async () => {
    const { edge, script } = served();
    let gone = false;
    const arrived = new Promise<void>((resolve) => {
      script.reply = ({ gone: signal }) => {
        signal.addEventListener('abort', () => void (gone = true));
        resolve();
        return undefined;
      };
    });
    const asked = ask(edge, { text: 'a', task: 'birds' }, { 'x-request-timeout-ms': '300' });
    await arrived;
    expect((await asked).status).toBe(504);
    await expect.poll(() => gone).toBe(true);
  });
}

describe('vLLM', () => {
  let served: Served;
  beforeAll(async () => {
    served = await setUp(
      {
        engine: 'vllm',
        base_model: 'base',
        adapters: { ships: 'ships-v2' },
        prompt: 'Classify: {text} / {text_pair}\nLabel:',
        max_tokens: 8,
      },
      vllmReply({ models: ['base', 'birds', 'ships-v2', 'stars'], text: ' birds-1\n', limitChars: 200 }),
    );
  });
  beforeEach(() => void (served.script.reply = undefined));

  test('the best expert’s adapter answers alone, and the answer says so', async () => {
    const answer = await predict(served.edge, { text: 'a wing', mix: MIX });
    expect(sent(served.server)).toEqual({
      model: 'birds',
      prompt: 'Classify: a wing / \nLabel:',
      max_tokens: 8,
      temperature: 0,
      stream: false,
    });
    expect(served.server.received.at(-1)?.headers['authorization']).toBe('Bearer secret');
    expect(answer).toMatchObject({
      task: 'birds',
      label: 'birds-1',
      scores: {},
      output: { text: ' birds-1\n', finish: 'stop' },
      mix: [{ expert: 'birds', weight: 1 }],
      cut: { wanted: WANTED, covered: expect.closeTo(2 / 3, 6), reason: 'one_adapter' },
      usage: { tokens: 9 + 3, experts: 1, truncated: false },
    });
  });

  test('one expert in full is what was wanted; names of adapters, pairs and braces in texts', async () => {
    const answer = await predict(served.edge, { text: 'a {text_pair}', text_pair: 'hull', task: 'ships' });
    expect(sent(served.server)).toMatchObject({ model: 'ships-v2', prompt: 'Classify: a {text_pair} / hull\nLabel:' });
    expect(answer).toMatchObject({ task: 'ships', label: null, mix: [{ expert: 'ships', weight: 1 }] });
    expect(answer.cut).toBeUndefined();
  });

  test('one expert in part is served in full, which is told; without any, the base answers', async () => {
    expect((await predict(served.edge, { text: 'a', mix: { birds: 0.5 } })).cut).toEqual({
      wanted: [{ expert: 'birds', weight: 0.5 }],
      covered: 1,
      reason: 'one_adapter',
    });
    const shared = await predict(served.edge, { text: 'a', mix: {}, task: 'birds' });
    expect(sent(served.server)).toMatchObject({ model: 'base' });
    expect(shared.mix).toEqual([]);
  });

  test('a regression is the number that was written', async () => {
    served.script.reply = vllmReply({ models: ['stars'], text: '3.5', limitChars: 200 });
    expect(await predict(served.edge, { text: 'a', task: 'stars' })).toMatchObject({ label: null, scores: { 'stars-0': 3.5 } });
  });

  test('a prompt beyond its context is the caller’s fault', async () => {
    const { status, answer } = await ask(served.edge, { text: 'a'.repeat(300), task: 'birds' });
    expect([status, z.parse(ErrorBody, answer).error.code]).toEqual([400, 'invalid_request']);
  });

  test('another head than the mixed expert’s is not to be had', async () => {
    const { status, answer } = await ask(served.edge, { text: 'a', mix: { birds: 1 }, task: 'ships' });
    expect([status, z.parse(ErrorBody, answer).error.code]).toEqual([501, 'unsupported']);
  });

  test('an answer by another model is none', async () => {
    served.script.reply = vllmReply({ models: ['birds'], text: 'birds-1', limitChars: 200, as: 'base' });
    expect((await ask(served.edge, { text: 'a', task: 'birds' })).status).toBe(502);
  });

  refusals(() => served);
});

describe('vLLM, a classification adapter', () => {
  let served: Served;
  beforeAll(async () => {
    served = await setUp({ engine: 'vllm', task: 'classify' }, vllmReply({ models: ['birds'], probs: [0.2, 0.5, 0.3], limitChars: 200 }));
  });
  beforeEach(() => void (served.script.reply = undefined));

  test('its probabilities are the scores, by the pack’s labels', async () => {
    const answer = await predict(served.edge, { text: 'a', mix: MIX });
    expect(sent(served.server)).toEqual({ model: 'birds', input: 'a' });
    expect(answer).toMatchObject({ label: 'birds-1', cut: { reason: 'one_adapter' }, usage: { tokens: 9 } });
    expect(answer.output).toBeUndefined();
    expect(Object.values(answer.scores)).toEqual([0.2, 0.5, 0.3].map((score) => expect.closeTo(score, 9)));
  });

  test.each([
    ['of other labels', [0.5, 0.5]],
    ['that are no distribution', [0.5, 0.5, 0.5]],
    ['beyond 1', [1.5, -0.5, 0]],
  ])('probabilities %s are no answer', async (_, probs) => {
    served.script.reply = vllmReply({ models: ['birds'], probs, limitChars: 200 });
    expect((await ask(served.edge, { text: 'a', task: 'birds' })).status).toBeGreaterThanOrEqual(502);
  });

  test.each([
    ['a pair', { text: 'a', text_pair: 'b', task: 'birds' }],
    ['a regression', { text: 'a', task: 'stars' }],
    ['the shared model', { text: 'a', mix: {}, task: 'birds' }],
  ])('%s is not to be had', async (_, body) => {
    expect((await ask(served.edge, body)).status).toBe(501);
  });
});

describe('LoRAX', () => {
  let served: Served;
  beforeAll(async () => {
    served = await setUp({ engine: 'lorax', adapters: { birds: 'acme/birds' }, adapter_source: 'hub' }, loraxReply({ text: 'BIRDS-2.' }));
  });
  beforeEach(() => void (served.script.reply = undefined));

  test('the best expert’s adapter answers alone; adapters are never merged there', async () => {
    const answer = await predict(served.edge, { text: 'a wing', mix: MIX });
    expect(sent(served.server)).toEqual({
      inputs: 'a wing',
      parameters: {
        adapter_id: 'acme/birds',
        adapter_source: 'hub',
        max_new_tokens: 16,
        do_sample: false,
        return_full_text: false,
        details: true,
      },
    });
    expect(answer).toMatchObject({
      label: 'birds-2',
      output: { text: 'BIRDS-2.', finish: 'stop' },
      mix: [{ expert: 'birds', weight: 1 }],
      cut: { wanted: WANTED, reason: 'one_adapter' },
      usage: { tokens: 5 + 2, experts: 1 },
    });
  });

  test('without an expert no adapter is asked for', async () => {
    await predict(served.edge, { text: 'a', mix: {}, task: 'birds' });
    expect(sent(served.server)).toMatchObject({ parameters: expect.not.objectContaining({ adapter_id: expect.anything() }) });
  });

  test('a pair is not to be had without a place for it', async () => {
    expect((await ask(served.edge, { text: 'a', text_pair: 'b', task: 'birds' })).status).toBe(501);
  });

  refusals(() => served);
});

describe('llama.cpp', () => {
  let served: Served;
  beforeAll(async () => {
    served = await setUp({ engine: 'llama_cpp', experts: ['ships', 'birds'] }, llamaCppReply({ text: 'birds-0', adapters: 2 }), {
      UPSTREAM: '{"attempts":1,"attempt_ms":2000,"check":{"interval_ms":1}}',
    });
  });
  beforeEach(() => void (served.script.reply = undefined));

  test('the whole mix is scales of all its adapters', async () => {
    const answer = await predict(served.edge, { text: 'a wing', mix: MIX });
    expect(sent(served.server)).toEqual({
      prompt: 'a wing',
      lora: [
        { id: 0, scale: expect.closeTo(0.3, 6) },
        { id: 1, scale: expect.closeTo(0.6, 6) },
      ],
      n_predict: 16,
      temperature: 0,
      cache_prompt: false,
      stream: false,
    });
    expect(answer).toMatchObject({ label: 'birds-0', output: { finish: 'stop' }, mix: WANTED, usage: { tokens: 4 + 2, experts: 2 } });
    expect(answer.cut).toBeUndefined();
  });

  test('what the server has no adapter for is cut, as anywhere', async () => {
    expect((await predict(served.edge, { text: 'a', mix: { birds: 0.5, stars: 0.5 } })).cut).toMatchObject({ covered: 0.5 });
  });

  test('a server that lacks an adapter is not ready', async () => {
    const stateOf = async () => {
      const { endpoints } = z.parse(HealthAnswer, await (await fetch(`${served.edge.url}/health`)).json());
      return endpoints[0]?.state;
    };
    served.script.reply = llamaCppReply({ text: 'x', adapters: 1 });
    await ask(served.edge, { text: 'a', task: 'birds' });
    await expect.poll(stateOf).toBe('open');
    served.script.reply = undefined;
    await expect.poll(async () => (await ask(served.edge, { text: 'a', task: 'birds' })).status).toBe(200);
    await expect.poll(stateOf).toBe('up');
  });
});

test('beside an origin or a server of exact mixes, one adapter at a time is the second choice', async () => {
  const vllm = await serveEngine(vllmReply({ models: ['birds', 'ships'], text: 'birds-0', limitChars: 200 }));
  const llama = await serveEngine(llamaCppReply({ text: 'birds-0', adapters: 2 }));
  closing.push(vllm);
  const edge = await prepared.start(
    {},
    {
      LOG_LEVEL: 'error',
      ENDPOINTS: JSON.stringify([
        { id: 'one', engine: 'vllm', url: vllm.url, configs: [config], experts: '*' },
        { id: 'many', engine: 'llama_cpp', url: llama.url, configs: [config], experts: ['birds', 'ships'] },
      ]),
    },
  );
  closing.push(edge);
  for (let i = 0; i < 4; i++) expect((await predict(edge, { text: 'a', mix: MIX, explain: true })).explain?.endpoint).toBe('many');
  await llama.close();
  const answer = await predict(edge, { text: 'a', mix: MIX, explain: true });
  expect(answer).toMatchObject({ explain: { endpoint: 'one' }, cut: { reason: 'one_adapter' } });
});

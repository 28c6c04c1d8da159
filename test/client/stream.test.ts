import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ApiError, ConnectionError, createClient, TimeoutError, type PredictLine } from '../../src/client/index.ts';
import { refuse, startScripted, type Arrived, type Script } from './server.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start(script: Script) {
  const server = await startScripted(script);
  closers.push(server.close);
  return { client: createClient({ url: server.url, random: () => 0.001 }), arrived: server.arrived };
}

const INPUTS = [{ text: 'a' }, { text: 'b' }, { text: 'c' }];
const answer = (index: number): string => `${JSON.stringify({ index, prediction: { label: `label ${index}` } })}\n`;
const failure = (index: number): string => `${JSON.stringify({ index, error: { code: 'upstream', message: 'no', request_id: 'r' } })}\n`;
function summary(answers: number, failures: number, cancelled: number): string {
  const usage = { tokens: answers, configs: ['c'], experts: [] };
  return `${JSON.stringify({ summary: { id: 'r', answers, failures, cancelled, usage, charge: { micros: 10 * answers, currency: 'USD' } } })}\n`;
}
const write = (response: ServerResponse, ...lines: string[]): void =>
  void response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write(lines.join(''));
const textsOf = ({ body }: Arrived): string[] => JSON.parse(body).inputs.map(({ text }: { text: string }) => text);

async function all(lines: AsyncIterable<PredictLine>): Promise<PredictLine[]> {
  const got: PredictLine[] = [];
  for await (const line of lines) got.push(line);
  return got;
}

describe('a stream', () => {
  test('gives lines as they come, whatever their cut into packets', async () => {
    let go: (() => void) | undefined;
    const { client, arrived } = await start((response) => {
      const text = answer(1) + failure(0);
      write(response, text.slice(0, 20));
      go = () => {
        response.write(text.slice(20));
        response.end(answer(2) + summary(2, 1, 0));
      };
    });
    const lines = client.predictStream(INPUTS);
    const first = lines.next();
    await vi.waitFor(() => expect(go).toBeDefined());
    go?.();
    expect((await first).value).toMatchObject({ index: 1, prediction: { label: 'label 1' } });
    expect(await all(lines)).toMatchObject([
      { index: 0, error: { code: 'upstream' } },
      { index: 2 },
      { summary: { answers: 2, failures: 1 } },
    ]);
    expect(arrived[0].headers).toMatchObject({ accept: 'application/x-ndjson', 'idempotency-key': expect.any(String) });
  });

  test('that is refused fails like any call', async () => {
    const { client } = await start((response) => refuse(response, 402, { code: 'payment_required' }));
    await expect(all(client.predictStream(INPUTS))).rejects.toBeInstanceOf(ApiError);
  });

  test('that breaks is taken up again: what was paid for is repeated, the rest asked for anew, nothing comes twice', async () => {
    const { client, arrived } = await start((response, _, n) => {
      if (n === 0) {
        write(response, answer(2), '{"index":1,"predic');
        setTimeout(() => response.destroy(), 20);
      } else if (n === 1) refuse(response, 409, { code: 'conflict', details: { state: 'reserved' } }, { 'retry-after': '0' });
      else if (n === 2) response.writeHead(200).end(answer(2) + answer(0) + summary(2, 0, 1));
      else response.writeHead(200).end(answer(0) + summary(1, 0, 0));
    });
    const lines = await all(client.predictStream(INPUTS));
    expect(lines.map((line) => ('index' in line ? line.index : 'summary'))).toEqual([2, 0, 1, 'summary']);
    expect(lines.at(-1)).toEqual({
      summary: {
        id: 'r',
        answers: 3,
        failures: 0,
        cancelled: 0,
        usage: { tokens: 3, configs: ['c'], experts: [] },
        charge: { micros: 30, currency: 'USD' },
      },
    });
    const names = arrived.map(({ headers }) => headers['idempotency-key']);
    expect(names).toEqual([names[0], names[0], names[0], `${String(names[0])}.2`]);
    expect(arrived.map(textsOf)).toEqual([['a', 'b', 'c'], ['a', 'b', 'c'], ['a', 'b', 'c'], ['b']]);
  });

  test('that goes on breaking is given up', async () => {
    const { client, arrived } = await start((response) => {
      write(response, answer(0));
      setTimeout(() => response.destroy(), 10);
    });
    await expect(all(client.predictStream(INPUTS))).rejects.toBeInstanceOf(ConnectionError);
    expect(arrived.length).toBeLessThan(6);
  });

  test('without a summary is not whole', async () => {
    const { client } = await start((response) => response.writeHead(200).end(answer(0) + answer(1) + answer(2)));
    await expect(all(client.predictStream(INPUTS))).rejects.toBeInstanceOf(ConnectionError);
  });

  test('that never answers some inputs is given up, and so is a place that there is not', async () => {
    const { client, arrived } = await start((response) => response.writeHead(200).end(answer(0) + summary(1, 0, 0)));
    const got: PredictLine[] = [];
    await expect(
      (async () => {
        for await (const line of client.predictStream([{ text: 'a' }, { text: 'b' }, { text: 'c' }, { text: 'd' }])) got.push(line);
      })(),
    ).resolves.toBeUndefined();
    expect(got).toHaveLength(5);
    expect(arrived).toHaveLength(4);
    const silent = await start((response) => response.writeHead(200).end(summary(0, 0, 3)));
    await expect(all(silent.client.predictStream(INPUTS))).rejects.toBeInstanceOf(ConnectionError);
    expect(silent.arrived).toHaveLength(1);
    const wild = await start((response) => response.writeHead(200).end(answer(7)));
    await expect(all(wild.client.predictStream(INPUTS))).rejects.toBeInstanceOf(ConnectionError);
  });

  test.each(['null\n', '{"other":1}\n', 'no json\n'])('with the line %j is none', async (line) => {
    const { client } = await start((response) => response.writeHead(200).end(line));
    await expect(all(client.predictStream(INPUTS))).rejects.toBeInstanceOf(ConnectionError);
  });

  test('ends when the caller leaves the loop, aborts, or has waited long enough', async () => {
    let closed = 0;
    const { client } = await start((response) => {
      response.on('close', () => void (closed += 1));
      write(response, answer(0));
    });
    for await (const line of client.predictStream(INPUTS)) {
      expect(line).toMatchObject({ index: 0 });
      break;
    }
    await vi.waitFor(() => expect(closed).toBe(1));
    const reason = new Error('enough');
    const given = new AbortController();
    const lines = client.predictStream(INPUTS, { signal: given.signal });
    await lines.next();
    const next = lines.next();
    given.abort(reason);
    await expect(next).rejects.toBe(reason);
    await vi.waitFor(() => expect(closed).toBe(2));
    await expect(all(client.predictStream(INPUTS, { timeoutMs: 100 }))).rejects.toBeInstanceOf(TimeoutError);
    await vi.waitFor(() => expect(closed).toBe(3));
  });
});

// The server on a real socket: it listens, limits bodies, and drains.

import { expect, test, vi } from 'vitest';
import { startOrigin, type Origin } from '../../src/origin/index.ts';
import type { Predictor } from '../../src/origin/predictor.ts';
import { texts } from './fake-app.ts';
import { createFakePredictor } from './fake-predictor.ts';

const start = (predictor: Predictor, options: { drainMs?: number; noticeMs?: number; port?: number } = {}): Promise<Origin> =>
  startOrigin({ predictors: [predictor], version: '0', maxDelayMs: 0, log: () => {}, ...options });

const infer = (origin: Origin, init: RequestInit = {}): Promise<Response> =>
  fetch(`${origin.url}/v2/models/glue/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [texts('text', 'a'), texts('head', 'cola')] }),
    ...init,
  });

/** A predictor whose runs end when they are let go. */
function createHeldPredictor() {
  const held: (() => void)[] = [];
  const real = createFakePredictor();
  const release = vi.fn(() => Promise.resolve());
  const predictor = createFakePredictor({ run: (rows) => new Promise((resolve) => held.push(() => resolve(real.run(rows)))), release });
  return { predictor, held, release };
}

test('serves on 127.0.0.1 and releases its models at the end', async () => {
  const release = vi.fn(() => Promise.resolve());
  const origin = await start(createFakePredictor({ release }));
  expect(origin.url).toBe(`http://127.0.0.1:${origin.port}`);
  expect((await infer(origin)).status).toBe(200);
  await expect(start(createFakePredictor(), { port: origin.port })).rejects.toMatchObject({ code: 'config' });
  await origin.close();
  await origin.close();
  expect(release).toHaveBeenCalledTimes(1);
  await expect(fetch(origin.url)).rejects.toThrow('fetch failed');
});

test('answers a body beyond the limit with 413', async () => {
  const origin = await start(createFakePredictor());
  expect((await infer(origin, { body: new Uint8Array(9 << 20) })).status).toBe(413);
  expect((await infer(origin)).status).toBe(200);
  await origin.close();
});

test('close waits for running requests and refuses new ones meanwhile', async () => {
  const { predictor, held, release } = createHeldPredictor();
  const origin = await start(predictor);
  const running = infer(origin);
  await vi.waitFor(() => expect(held).toHaveLength(1));
  const closing = origin.close();
  expect((await fetch(`${origin.url}/v2/health/ready`)).status).toBe(503);
  expect((await infer(origin)).status).toBe(503);
  expect(release).not.toHaveBeenCalled();
  held[0]();
  const answer = await running;
  expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close']);
  await answer.text();
  await closing;
  expect(release).toHaveBeenCalledTimes(1);
});

test('a notice comes before the refusals: probes say no while requests are still taken', async () => {
  const { predictor, held } = createHeldPredictor();
  const origin = await start(predictor, { noticeMs: 200 });
  const closing = origin.close();
  expect((await fetch(`${origin.url}/v2/health/ready`)).status).toBe(503);
  const taken = infer(origin);
  await vi.waitFor(() => expect(held).toHaveLength(1));
  // Metadata passes the same door as inferences, and holds nothing up.
  await vi.waitFor(async () => expect((await fetch(`${origin.url}/v2/models/glue`)).status).toBe(503));
  held[0]();
  const answer = await taken;
  expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close']);
  await closing;
});

test('close fails what waits and cuts what hangs once drainMs are over', async () => {
  const { predictor, held, release } = createHeldPredictor();
  const origin = await start(predictor, { drainMs: 20 });
  const outcome = (response: Promise<Response>): Promise<unknown> => response.then(({ status }) => status).catch(() => 'cut');
  const hanging = outcome(infer(origin));
  await vi.waitFor(() => expect(held).toHaveLength(1));
  const waiting = outcome(infer(origin));
  await vi.waitFor(async () => expect((await fetch(`${origin.url}/v2/health/live`)).status).toBe(200));
  const closing = origin.close();
  expect(await waiting).toBe(503);
  expect(await hanging).toBe('cut');
  // The graph is still running: its session must not be freed under it.
  expect(release).not.toHaveBeenCalled();
  held[0]();
  await closing;
  expect(release).toHaveBeenCalledTimes(1);
});

test('a client that leaves frees its place', async () => {
  const { predictor, held } = createHeldPredictor();
  const ran: number[] = [];
  const origin = await start({ ...predictor, run: (rows) => (ran.push(rows.length), predictor.run(rows)) });
  const first = infer(origin);
  await vi.waitFor(() => expect(held).toHaveLength(1));
  const controller = new AbortController();
  const left = infer(origin, { signal: controller.signal }).catch((error: unknown) => error);
  const kept = infer(origin);
  await vi.waitFor(async () => expect((await fetch(`${origin.url}/v2/health/live`)).status).toBe(200));
  await new Promise((resolve) => setTimeout(resolve, 30));
  controller.abort();
  await left;
  await new Promise((resolve) => setTimeout(resolve, 30));
  held[0]();
  await vi.waitFor(() => expect(held).toHaveLength(2));
  held[1]();
  expect([(await first).status, (await kept).status]).toEqual([200, 200]);
  expect(ran).toEqual([1, 1]);
  await origin.close();
});

test('two packs that are the same, and a queue that no request fits, are refused', async () => {
  await expect(
    startOrigin({ predictors: [createFakePredictor(), createFakePredictor()], version: '0', log: () => {} }),
  ).rejects.toMatchObject({ code: 'config' });
  await expect(startOrigin({ predictors: [createFakePredictor()], version: '0', log: () => {}, maxQueue: 255 })).rejects.toMatchObject({
    code: 'config',
  });
});

// The app over fake predictors, as `app.request()` sees it.

import { createApp } from '../../src/origin/app.ts';
import { systemClock } from '../../src/origin/clock.ts';
import { createDrainGate } from '../../src/origin/drain-gate.ts';
import { createModelTable } from '../../src/origin/model-table.ts';
import type { Predictor } from '../../src/origin/predictor.ts';
import { servePack } from '../../src/origin/served-pack.ts';
import { createFakePredictor } from './fake-predictor.ts';

export function createFakeApp(predictors: readonly Predictor[] = [createFakePredictor()]) {
  const gate = createDrainGate();
  const logged: string[] = [];
  const options = { watch: { ran: () => undefined }, clock: systemClock, maxBatch: 32, maxDelayMs: 0, maxQueue: 256 };
  const packs = predictors.map((predictor) => servePack(predictor, options));
  const app = createApp({
    table: createModelTable(packs),
    gate,
    clock: systemClock,
    version: '1.2.3',
    maxDeadlineMs: 30_000,
    log: (line) => logged.push(line),
    newId: () => 'made-id',
  });
  const post = (path: string, body: object | string, headers: Record<string, string> = {}): Promise<Response> =>
    Promise.resolve(
      app.request(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : body instanceof Uint8Array ? Uint8Array.from(body) : JSON.stringify(body),
      }),
    );
  return { app, gate, logged, post };
}

/** A BYTES tensor of a request. */
export const texts = (name: string, ...data: string[]) => ({ name, datatype: 'BYTES', shape: [data.length], data });

/** An FP32 matrix of a request. */
export const matrix = (name: string, rows: readonly (readonly number[])[], parameters?: Record<string, unknown>) => ({
  name,
  datatype: 'FP32',
  shape: [rows.length, rows[0].length],
  ...(parameters !== undefined && { parameters }),
  data: rows,
});

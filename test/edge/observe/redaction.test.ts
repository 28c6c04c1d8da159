// What a caller writes, sends along or is, must come out nowhere: not in a log line, a metric, a span or a point, on any route, however it fails.

import { expect, test } from 'vitest';
import { createPaidHarness, ROOT } from '../accounts/harness.ts';
import { answer, type OriginScript } from '../helpers/harness.ts';
import { watch } from './harness.ts';

/** Unlike anything else that is written. */
const MARK = 'ZQXJKVMARK';
const TEXT = `the private ${MARK} text`;

const ORIGINS: Readonly<Record<string, OriginScript>> = {
  'that answers': () => undefined,
  'that quotes the text in an error': ({ body }) =>
    Response.json({ error: `cannot read ${String(body.inputs[0].data[0])}` }, { status: 500 }),
  'that blames the text': ({ body }) =>
    Response.json({ error: String(body.inputs[0].data[0]) }, { status: 400, headers: { 'x-error-code': 'invalid_request' } }),
  'that answers with what is no answer': ({ body }) => new Response(`{"text": "${String(body.inputs[0].data[0])}`),
  'whose outputs are named by the text': (call) =>
    answer(call, { [TEXT]: { datatype: TEXT, shape: [1], parameters: { [TEXT]: null }, data: [TEXT] } }),
  'that is not reached': ({ body }) => Promise.reject(new TypeError(`connection lost at ${String(body.inputs[0].data[0])}`)),
};

const BODIES: readonly unknown[] = [
  { text: TEXT, text_pair: TEXT, user: MARK },
  { inputs: [{ text: TEXT }, { text: TEXT, task: MARK }, { [MARK]: MARK }, MARK] },
  { text: TEXT, config: MARK },
  { text: TEXT, task: MARK },
  { text: TEXT, mix: { [MARK]: 1 } },
  { text: TEXT, mix: [{ expert: MARK, weight: 1 }] },
  { text: { [MARK]: TEXT } },
  { [MARK]: TEXT },
  { request_id: MARK, name: MARK, outcome: 1 },
  { name: MARK, id: MARK, micros: MARK },
  `{"text": "${TEXT}`,
  MARK,
];

test.each(Object.entries(ORIGINS))('before an origin %s', async (_, origin) => {
  const watched = watch();
  const { app, customer, admin } = createPaidHarness({ observation: watched.observation, origin, upstream: { attempts: 2 } });
  const { key } = await customer(1_000_000, { scopes: ['predict', 'route', 'feedback', 'admin-read'] });
  const secret = key.slice(-20);
  const routes = app.routes.filter(({ method, path }) => method !== 'ALL' && !path.endsWith('*'));
  expect(routes.length).toBeGreaterThan(15);
  const bearers = [key, `${key}${MARK}`, ROOT, MARK];
  for (const { method, path } of routes) {
    const url = `${path.replaceAll(/:\w+/g, MARK)}?${MARK}=${MARK}&config=${MARK}&after=${MARK}&format=${MARK}`;
    for (const [i, bearer] of bearers.entries()) {
      const bodies = method === 'POST' && (i === 0 || path.startsWith('/admin')) ? BODIES : [BODIES[i]];
      for (const body of bodies)
        await app.request(url, {
          method,
          headers: {
            authorization: `Bearer ${bearer}`,
            'content-type': 'application/json',
            'idempotency-key': MARK,
            'x-twinroute-arm': MARK,
            'x-request-id': key,
            'user-agent': MARK,
            cookie: MARK,
            traceparent: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`,
            tracestate: `a=${MARK}`,
            [MARK]: MARK,
          },
          ...(method !== 'GET' && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        });
    }
  }
  await app.request(`/${MARK}/${MARK}`);
  await app.request(`/v1/predict`, { method: 'PUT', headers: { [MARK]: MARK } });
  watched.observation.observer.note({ kind: 'shed' });
  await watched.observation.flush();
  const metrics = await (await app.request('/metrics', { headers: { authorization: `Bearer ${key}` } })).text();
  expect((await admin('GET', 'accounts')).status).toBe(200);
  const written: Record<string, string> = {
    metrics,
    lines: watched.lines.join('\n'),
    spans: watched.bodies.join('\n'),
    points: JSON.stringify(watched.points),
  };
  expect(metrics).toContain('twinroute_requests_total{route="/v1/predict",method="POST",status="4xx"}');
  for (const text of Object.values(written)) expect(text.length).toBeGreaterThan(1_000);
  const leaks = Object.entries(written).flatMap(([name, text]) =>
    [MARK, MARK.toLowerCase(), 'private', secret, ROOT, 'Bearer'].flatMap((word) => {
      const at = text.indexOf(word);
      return at < 0 ? [] : [`${name}: ${text.slice(Math.max(0, at - 100), at + 100)}`];
    }),
  );
  expect(leaks).toEqual([]);
});

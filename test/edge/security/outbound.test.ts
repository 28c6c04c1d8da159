// Server-side request forgery by configuration: an endpoint that lies where the Worker should send nothing.

import { describe, expect, test } from 'vitest';
import { openEndpoints } from '../../../src/edge/endpoints.ts';
import { openOtlp } from '../../../src/formats/telemetry/open-otlp.ts';
import { createHarness } from '../helpers/harness.ts';

const list = (...urls: readonly string[]): string => JSON.stringify(urls.map((url, i) => ({ id: `e${i}`, url, experts: '*' })));

describe('an endpoint', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data',
    'http://[::ffff:a9fe:a9fe]/',
    'http://127.0.0.1:8801',
    'http://10.0.0.7:8801',
    'http://eu.example.com',
    'https://user:secret@eu.example.com',
    'https://eu.example.com/?target=x',
    'file:///etc/passwd',
  ])('%s opens no edge, even beside a good one', (url) => {
    expect(() => openEndpoints({ ENDPOINTS: list('https://eu.example.com', url) })).toThrow('ENDPOINTS');
  });

  test('on this machine, or in a private network, wants to be allowed', () => {
    const [here, near] = [list('http://127.0.0.1:8801'), list('http://10.0.0.7:8801')];
    expect(openEndpoints({ ENDPOINTS: here, OUTBOUND: 'loopback' }).endpoints).toHaveLength(1);
    expect(() => openEndpoints({ ENDPOINTS: near, OUTBOUND: 'loopback' })).toThrow('10.0.0.7');
    expect(openEndpoints({ ENDPOINTS: near, OUTBOUND: 'private' }).endpoints).toHaveLength(1);
    expect(() => openEndpoints({ ENDPOINTS: here, OUTBOUND: 'everywhere' })).toThrow('OUTBOUND');
  });

  test('gets the token that is meant for it, and nobody else’s is there', () => {
    const ENDPOINTS = list('https://eu.example.com');
    expect(openEndpoints({ ENDPOINTS, ENDPOINT_TOKENS: '{"e0":"s3cret"}' }).endpointTokens).toEqual({ e0: 's3cret' });
    expect(() => openEndpoints({ ENDPOINTS, ENDPOINT_TOKENS: '{"other":"s3cret"}' })).toThrow(
      'expected ids that ENDPOINTS lists, got other',
    );
    expect(() => openEndpoints({ ENDPOINTS, ENDPOINT_TOKENS: '{"e0":"s3cret\\n"}' })).toThrow('visible ASCII');
  });

  test('that redirects is not followed, and its address is told to nobody', async () => {
    const { post, calls } = createHarness({
      origin: () => new Response(null, { status: 307, headers: { location: 'http://169.254.169.254/latest' } }),
    });
    const { status, body } = await post('/v1/predict', { text: 'a' });
    expect(status).toBe(502);
    expect(JSON.stringify(body)).not.toContain('169.254');
    expect(calls.map(({ redirect }) => redirect)).toEqual(['manual']);
  });
});

test.each(['http://localhost:pw@collector.example/v1/traces', 'http://collector.example/v1/traces', 'http://169.254.169.254/v1/traces'])(
  'traces, with the secret of their collector, do not go to %s',
  (url) => {
    expect(() => openOtlp(JSON.stringify({ url }), '{"authorization": "secret"}', 'edge', {}, fetch, 'private')).toThrow('OTLP');
  },
);

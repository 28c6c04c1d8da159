// Addresses from configuration, in all the spellings in which one may be smuggled in.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outboundUrl, type Reach } from '../../src/formats/outbound-url.ts';

const open = (text: string, reach: Reach = 'public'): URL => outboundUrl(text, reach, 'endpoint a', 'unavailable');

test.each([
  'https://eu.example.com',
  'https://eu.example.com:8443/base/',
  'https://1.1.1.1',
  'https://[2606:4700::1111]/',
  'https://a.test.',
])('%s is public', (text) => {
  expect(open(text).href).toBe(new URL(text).href);
});

const LOOPBACK = [
  '127.0.0.1:8801',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '１２７.0.0.1',
  'localhost',
  'LOCALHOST.',
  'a.localhost',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
];
const PRIVATE = [
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '[fc00::1]',
  '[fd12:3456::1]',
  '[fec0::1]',
  '[::ffff:10.0.0.1]',
  'origin',
  'gpu.local',
  'gpu.internal',
  'router.home.arpa',
];
const NEVER = [
  '169.254.169.254',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '198.18.0.1',
  '[::]',
  '[fe80::1]',
  '[ff02::1]',
  '[fd00:ec2::254]',
  '[::ffff:169.254.169.254]',
  'metadata.google.internal',
];

describe('a host that is not public', () => {
  test.each(LOOPBACK)('%s wants loopback to be allowed', (host) => {
    for (const scheme of ['http', 'https']) {
      expect(() => open(`${scheme}://${host}/`)).toThrow('OUTBOUND');
      expect(() => open(`${scheme}://${host}/`, 'loopback')).not.toThrow();
      expect(() => open(`${scheme}://${host}/`, 'private')).not.toThrow();
    }
  });
  test.each(PRIVATE)('%s wants private networks to be allowed', (host) => {
    for (const reach of ['public', 'loopback'] as const) expect(() => open(`https://${host}/`, reach)).toThrow('private');
    expect(() => open(`http://${host}/`, 'private')).not.toThrow();
  });
  test.each(NEVER)('%s is never asked', (host) => {
    expect(() => open(`http://${host}/`, 'private')).toThrow('reserved');
  });
});

test.each([
  ['ftp://eu.example.com', 'http or https'],
  ['file:///etc/passwd', 'http or https'],
  ['javascript:alert(1)', 'http or https'],
  ['//eu.example.com', 'a URL'],
  ['', 'a URL'],
  ['http://eu.example.com', 'https to a public host'],
  ['https://eu.example.com/?to=10.0.0.1', 'query'],
  ['https://eu.example.com/#x', 'fragment'],
  ['https://127.0.0.1@eu.example.com/', 'credentials'],
])('%s is refused', (text, why) => {
  for (const reach of ['public', 'loopback', 'private'] as const) expect(() => open(text, reach)).toThrow(why);
});

test('credentials and queries are not told', () => {
  for (const text of ['https://me:hunter2@eu.example.com/', 'https://eu.example.com/?key=hunter2'])
    expect(() => open(text)).toThrow(expect.objectContaining({ code: 'unavailable', message: expect.not.stringContaining('hunter2') }));
});

test('property: an IPv4 address has one network in whatever way it is written', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom<Reach>('public', 'loopback', 'private'), (address, reach) => {
      const hex = address.toString(16).padStart(8, '0');
      const dotted = [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
      const spellings = [dotted, String(address), `0x${hex}`, `[::ffff:${dotted}]`, `[64:ff9b::${hex.slice(0, 4)}:${hex.slice(4)}]`];
      const allowed = spellings.map((host) => {
        try {
          open(`https://${host}/`, reach);
          return true;
        } catch {
          return false;
        }
      });
      expect(new Set(allowed).size).toBe(1);
    }),
    { seed: 3, numRuns: 500 },
  );
});

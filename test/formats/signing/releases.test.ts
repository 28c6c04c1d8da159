// Signed releases, and what an attacker may do to them.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Release } from '../../../src/contract/release.ts';
import { generateKeySets } from '../../../src/formats/signing/generate-keys.ts';
import { openKeyRing } from '../../../src/formats/signing/key-ring.ts';
import { generatePublishKeys, openPublishKeys } from '../../../src/formats/signing/publish-keys.ts';
import { signRelease, verifyRelease } from '../../../src/formats/signing/release-signature.ts';

const RELEASE: Release = {
  schema: 1,
  version: 2,
  previous: { version: 1, sha256: 'a'.repeat(64) },
  created: '2026-11-24T12:00:00.000Z',
  action: 'rollout',
  by: 'ada',
  reason: 'better by 2 points – „gut“',
  configs: [{ config: '0123456789abcdef', name: 'sample', sha256: 'b'.repeat(64) }],
};

const sets = await generatePublishKeys();
const publisher = await openPublishKeys(JSON.stringify(sets.publisher), 'publisher', 'publisher');
const edge = await openPublishKeys(JSON.stringify(sets.edge), 'edge', 'edge');
const { signed } = await signRelease(publisher, RELEASE);

describe('a signed release', () => {
  test('is the one that was signed', async () => {
    const verified = await verifyRelease(edge, signed, 'release');
    expect(verified.release).toEqual(RELEASE);
    expect(verified.kid).toBe(sets.publisher.keys[0].kid);
    expect(verified.sha256).toBe((await signRelease(publisher, RELEASE)).sha256);
  });

  test('property: with one changed bit anywhere it is none', async () => {
    const bytes = new TextEncoder().encode(JSON.stringify(signed));
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 7 }), async (offset, bit) => {
        const changed = Uint8Array.from(bytes);
        changed[offset] ^= 1 << bit;
        let value: unknown;
        try {
          value = JSON.parse(new TextDecoder().decode(changed));
        } catch {
          return;
        }
        // Some bits of the last letter of base64 mean nothing: then it is the same signature.
        const verified = await verifyRelease(edge, value, 'release').catch(() => undefined);
        if (verified === undefined) refused += 1;
        else expect(verified.signed.payload).toBe(signed.payload);
      }),
      { seed: 11, numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(1_000);
  });

  test('is for releases alone: the same key over the same text without its purpose is none', async () => {
    const { signer } = publisher;
    const signature = await signer?.sign(new TextEncoder().encode(signed.payload));
    const spelled = Buffer.from(signature ?? []).toString('base64url');
    await expect(verifyRelease(edge, { ...signed, signature: spelled }, 'release')).rejects.toMatchObject({ code: 'integrity' });
  });

  test.each<[string, object]>([
    ['a field that this version does not know', { later: true }],
    ['another schema', { schema: 2 }],
    ['no configs', { configs: [] }],
    ['a config twice', { configs: [...RELEASE.configs, ...RELEASE.configs] }],
    ['a version that is none', { version: 0 }],
  ])('of %s is refused on both sides', async (_, change) => {
    const value: Release = { ...RELEASE, ...change };
    await expect(signRelease(publisher, value)).rejects.toMatchObject({ code: 'config' });
    const { signer } = publisher;
    const payload = JSON.stringify(value);
    const signature = Buffer.from((await signer?.sign(new TextEncoder().encode(`twinroute-release-1\n${payload}`))) ?? []).toString(
      'base64url',
    );
    await expect(verifyRelease(edge, { ...signed, payload, signature }, 'release')).rejects.toMatchObject({ code: 'integrity' });
  });
});

describe('keys of those who may publish', () => {
  const open = (value: unknown, side: 'publisher' | 'edge' = 'edge') => openPublishKeys(JSON.stringify(value), 'PUBLISH_KEYS', side);

  test('are not those by which edge and origins know each other, nor the other way round', async () => {
    const other = await generateKeySets('ed25519');
    await expect(open(other.origin)).rejects.toMatchObject({ code: 'config' });
    await expect(openKeyRing(JSON.stringify(sets.edge), 'SIGNING_KEYS')).rejects.toMatchObject({ code: 'config' });
  });

  test('are public at the edge, which could else be made to publish; messages tell no key', async () => {
    const refused = await open(sets.publisher).catch((error: unknown) => String(error));
    expect(refused).toMatch(/expected public halves only/);
    expect(refused).not.toContain(sets.publisher.keys[0].d);
    await expect(openPublishKeys('{"keys": "secret', 'PUBLISH_KEYS', 'edge')).rejects.toThrow(/^PUBLISH_KEYS: expected \{"purpose"/);
  });

  test('of the edge alone sign nothing', async () => {
    await expect(signRelease(edge, RELEASE)).rejects.toMatchObject({ code: 'config' });
  });

  test('may be several, so that one can take over from another', async () => {
    const next = await generatePublishKeys();
    const both = await open({ ...sets.edge, keys: [...next.edge.keys, ...sets.edge.keys] });
    await expect(verifyRelease(both, signed, 'release')).resolves.toBeDefined();
    await expect(verifyRelease(await open(next.edge), signed, 'release')).rejects.toMatchObject({ code: 'integrity' });
  });
});

import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { Experiments } from '../../../src/contract/experiments.ts';
import { Release, RELEASE_LIMITS, type ReleaseContent } from '../../../src/contract/release.ts';
import { contentOf, nextRelease, withDefault, withPublished, withShare } from '../../../src/cli/publish/next-release.ts';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(16));
const entry = (config: string, sha = config[0]) => ({ config, name: 'sample', sha256: sha.repeat(64) });
const content: ReleaseContent = { configs: [entry(A), entry(B)] };
const nothing = { entries: [], remove: [], replace: false };
const experiment = { key: 'mine', arms: [A, B].map((config, i) => ({ name: `arm-${i}`, config, weight: 0.5 })) };
const experiments = z.parse(Experiments, { experiments: [experiment] });
const configsOf = ({ configs }: ReleaseContent): string[] => configs.map(({ config }) => config);

describe('publishing', () => {
  test('lists new configs behind the others, and takes a listed one as it is', () => {
    expect(configsOf(withPublished(content, { ...nothing, entries: [entry(C), entry(B)] }))).toEqual([A, B, C]);
  });

  test('takes other files of a listed config only when told to', () => {
    expect(() => withPublished(content, { ...nothing, entries: [entry(A, 'f')] })).toThrow(/--replace/);
    expect(withPublished(content, { ...nothing, entries: [entry(A, 'f')], replace: true }).configs).toEqual([entry(A, 'f'), entry(B)]);
  });

  test('takes configs away, but not the default or what is not there', () => {
    expect(configsOf(withPublished(content, { ...nothing, remove: [B], entries: [entry(C)] }))).toEqual([A, C]);
    expect(() => withPublished(content, { ...nothing, remove: [A] })).toThrow(/not the default/);
    expect(() => withPublished(content, { ...nothing, remove: [C] })).toThrow(`expected one of ${A}, ${B}, got ${C}`);
  });

  test('keeps to the limit', () => {
    const many = Array.from({ length: RELEASE_LIMITS.configs }, (_, i) =>
      entry(String(i % 10).repeat(15) + String.fromCharCode(97 + (i % 6))),
    );
    const distinct = [...new Map(many.map((one) => [one.config, one])).values()];
    expect(() => withPublished({ configs: [entry(A), ...distinct] }, { ...nothing, entries: [entry(B), entry(C)] })).toThrow(/at most 16/);
  });

  test('puts documents in the place of those that were there, and keeps the others', () => {
    const published = withPublished({ ...content, experiments }, { ...nothing, experiments: { experiments: [] } });
    expect(published.experiments).toEqual({ experiments: [] });
    expect(withPublished({ ...content, experiments }, nothing).experiments).toBe(experiments);
  });
});

describe('a rollout', () => {
  test('puts a config first', () => {
    expect(configsOf(withDefault({ configs: [entry(A), entry(B), entry(C)] }, C))).toEqual([C, A, B]);
    expect(() => withDefault(content, A)).toThrow(/another config than the default/);
    expect(() => withDefault(content, C)).toThrow(/expected one of/);
  });

  test('by percent is an experiment before the others, and another percent takes its place', () => {
    const ten = withShare({ ...content, experiments }, B, 10, 'key');
    expect(configsOf(ten)).toEqual([A, B]);
    const twenty = withShare(ten, B, 20, 'user');
    expect(
      twenty.experiments?.experiments.map(({ key, unit, arms }) => ({ key, unit, weights: arms.map(({ weight }) => weight) })),
    ).toEqual([
      { key: `rollout-${B}`, unit: 'user', weights: [0.8, 0.2] },
      { key: 'mine', unit: 'user', weights: [0.5, 0.5] },
    ]);
    expect(twenty.experiments?.experiments[0].guardrails).toMatchObject([{ metric: 'error', action: 'rollback' }]);
  });

  test('to everybody ends those by percent; a list that was only for them is gone', () => {
    expect(withDefault(withShare({ ...content, experiments }, B, 10, 'user'), B).experiments).toEqual(experiments);
    expect(withDefault(withShare(content, B, 10, 'user'), B)).toEqual({ configs: [entry(B), entry(A)] });
  });
});

test('the next release names the one that it follows', () => {
  const facts = { action: 'publish', by: 'ada', reason: 'first', nowMs: Date.UTC(2026, 10, 24) } as const;
  const first = nextRelease(undefined, content, facts);
  expect(z.parse(Release, first)).toMatchObject({ version: 1, created: '2026-11-24T00:00:00.000Z' });
  expect(first).not.toHaveProperty('previous');
  const sha256 = 'd'.repeat(64);
  const signed = { payload: '', kid: 'k', signature: '' };
  const second = nextRelease({ release: first, sha256, kid: 'k', signed }, contentOf(first), { ...facts, restores: 1, action: 'rollback' });
  expect(z.parse(Release, second)).toMatchObject({ version: 2, previous: { version: 1, sha256 }, restores: 1, configs: content.configs });
});

import { describe, expect, test } from 'vitest';
import { leavesOf, settingAt } from '../../../src/build/checkpoint/settings.ts';

const at = (depth: number, name = 'model.layers.1.mlp.up_proj.weight'): { name: string; depth: number } => ({ name, depth });

describe('settingAt', () => {
  test('a constant, and a gradient at its points and between them', () => {
    expect(settingAt([{ weight: 0.5 }], 'weight', at(0.3))).toBe(0.5);
    const gradient = [{ weight: [0, 1, 3] }];
    expect([0, 0.25, 0.5, 0.75, 1].map((depth) => settingAt(gradient, 'weight', at(depth)))).toEqual([0, 0.5, 1, 2, 3]);
    expect(settingAt([{ weight: [7] }], 'weight', at(1))).toBe(7);
  });

  test('the first filter that the name contains, else the entry without one', () => {
    const levels = [{ t: [{ filter: 'self_attn', value: 0.1 }, { filter: 'mlp', value: [0, 1] }, { value: 0.7 }] }];
    expect(settingAt(levels, 't', at(0.5))).toBe(0.5);
    expect(settingAt(levels, 't', at(0.5, 'lm_head.weight'))).toBe(0.7);
    expect(settingAt([{ t: [{ filter: '*', value: 2 }] }], 't', at(0))).toBe(2);
  });

  test('the closest level that has a value for this tensor', () => {
    const levels = [undefined, null, { t: [{ filter: 'norm', value: 1 }] }, { t: 2 }, { t: 3 }];
    expect(settingAt(levels, 't', at(0))).toBe(2);
    expect(settingAt(levels, 't', at(0, 'model.norm.weight'))).toBe(1);
    expect(settingAt(levels, 'weight', at(0))).toBeUndefined();
  });
});

test('leavesOf lists all that a setting can be', () => {
  expect(leavesOf(true)).toEqual([true]);
  expect(leavesOf([1, 2])).toEqual([1, 2]);
  expect(leavesOf([{ filter: 'a', value: [3, 4] }, { value: 5 }])).toEqual([3, 4, 5]);
});

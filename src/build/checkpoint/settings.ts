// What a parameter of a merge config is for one tensor: the levels that may state it, filters on the tensor's name, gradients over depth.

import type { Setting, Settings, SettingValue } from '../../contract/merge-config.ts';

/** What settings look at. */
export interface Place {
  /** The tensor's name. */
  readonly name: string;
  /** Where it stands: 0 in the first layer and outside of the layers, 1 in the last. */
  readonly depth: number;
}

/**
 * The value of a parameter for a tensor, from the first level that has one for it.
 * @param levels the closest first, e.g. those of a source, its slice, its model, the whole
 */
export function settingAt(levels: readonly Settings[], parameter: string, place: Place): number | boolean | undefined {
  for (const level of levels) {
    const setting = level?.[parameter];
    const value = setting === undefined ? undefined : valueFor(setting, place.name);
    if (value !== undefined) return Array.isArray(value) ? interpolate(value, place.depth) : value;
  }
  return undefined;
}

/** Every number and flag that a setting may turn out to be. */
export function leavesOf(setting: Setting): readonly (number | boolean)[] {
  if (!Array.isArray(setting)) return [setting];
  return setting.flatMap((item) => (typeof item === 'number' ? [item] : Array.isArray(item.value) ? item.value : [item.value]));
}

function valueFor(setting: Setting, name: string): SettingValue | undefined {
  if (!Array.isArray(setting)) return setting;
  const gradient = setting.filter((item) => typeof item === 'number');
  if (gradient.length > 0) return gradient;
  const conditional = setting.filter((item) => typeof item !== 'number');
  return conditional.find(({ filter }) => filter === undefined || filter === null || filter === '*' || name.includes(filter))?.value;
}

function interpolate(values: readonly number[], depth: number): number {
  const position = depth * (values.length - 1);
  const low = Math.min(Math.floor(position), values.length - 1);
  const high = Math.min(low + 1, values.length - 1);
  return values[low] + (values[high] - values[low]) * (position - low);
}

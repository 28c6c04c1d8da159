// The options of verbs that serve on a device of the user's choice.

import type { DeviceWish } from '../host/devices/select-device.ts';
import { textOption } from './options.ts';
import type { OptionSpec, Values } from './verb.ts';

/** `--device` and `--dtype`. */
export const DEVICE_OPTIONS = {
  device: { type: 'string', help: 'what to run on: auto, cpu, cuda or webgpu; auto: the first GPU that is right and faster than the CPU' },
  dtype: { type: 'string', help: 'what weights are stored and computed in: auto, fp32 or fp16; auto: fp16 on a GPU where it is right' },
} as const satisfies Record<string, OptionSpec>;

/** What they ask for. */
export function deviceWish(values: Values): DeviceWish {
  return { device: textOption(values, 'device') ?? 'auto', dtype: textOption(values, 'dtype') ?? 'auto' };
}

// A GPU for tests of WebGPU: the Vulkan driver that the environment names, else Chromium's software renderer, with its Vulkan loader beside it.
// The loader reads the environment when a process starts, so such tests start one.

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

/** Where Debian's chromium has it. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Environment of processes that are to find it; undefined where there is none. */
export function softwareGpu(): Readonly<Record<string, string>> | undefined {
  if (process.env['VK_DRIVER_FILES'] !== undefined) return {};
  return existsSync(SWIFTSHADER) ? { VK_DRIVER_FILES: SWIFTSHADER, LD_LIBRARY_PATH: dirname(SWIFTSHADER) } : undefined;
}

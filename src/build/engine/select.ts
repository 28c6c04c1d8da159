// Which engine a build runs on. `auto` takes the first driver, in order of speed, that opens and is worth it.

import { TwinrouteError, messageOf } from '../../core/errors.ts';
import type { Device, Engine, EngineDriver } from './engine.ts';
import { createMatMul } from './matmul.ts';
import { tensorflow } from './tensorflow.ts';
import { wasm } from './wasm.ts';
import { webgpu } from './webgpu.ts';

/** The engines, fastest first. */
export const ENGINES: readonly EngineDriver[] = [tensorflow, webgpu, wasm];

/** Who hears of the choice. */
export interface SelectOptions {
  readonly log: (line: string) => void;
}

/**
 * Opens an engine and says which, on what device, and whether it is slow.
 * @param name `auto` or the name of one of `engines`
 * @param engines to choose from, fastest first
 * @throws {TwinrouteError} `usage` for an unknown name; `unavailable` with the reason when the engine does not open
 */
export async function selectEngine(name: string, { log }: SelectOptions, engines: readonly EngineDriver[] = ENGINES): Promise<Engine> {
  if (name === 'auto') return selectFastest(engines, log);
  const driver = engines.find((candidate) => candidate.name === name);
  if (driver === undefined)
    throw new TwinrouteError('usage', `engine: expected auto, ${engines.map((engine) => engine.name).join(', ')}, got ${name}`, {
      param: 'engine',
    });
  return start(driver, await driver.open(), log);
}

async function selectFastest(engines: readonly EngineDriver[], log: SelectOptions['log']): Promise<Engine> {
  for (const driver of engines) {
    try {
      const device = await driver.open();
      if (device.passedOver !== true) return start(driver, device, log);
      device.close();
      log(`engine ${driver.name}: passed over, ${device.slow ?? 'slow'} (${device.device})`);
    } catch (cause) {
      log(messageOf(cause));
    }
  }
  throw new TwinrouteError('unavailable', `engine: expected one that opens, got none; the reasons stand above`);
}

function start({ name }: EngineDriver, { device, tf, slow, close }: Device, log: SelectOptions['log']): Engine {
  log(`engine ${name}: ${device}`);
  if (slow !== undefined) log(`engine ${name}: slow, ${slow}`);
  return {
    name,
    device,
    tf,
    matmul: createMatMul(tf),
    async dispose() {
      close();
    },
  };
}

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
 * @param name `auto` or a name of `ENGINES`
 * @throws {TwinrouteError} `usage` for an unknown name; `unavailable` with the reason when the engine does not open
 */
export async function selectEngine(name: string, { log }: SelectOptions): Promise<Engine> {
  if (name === 'auto') return selectFastest(log);
  const driver = ENGINES.find((candidate) => candidate.name === name);
  if (driver === undefined) throw new TwinrouteError('usage', `engine: expected auto, ${ENGINES.map((engine) => engine.name).join(', ')}, got ${name}`, { param: 'engine' });
  return start(driver, await driver.open(), log);
}

async function selectFastest(log: SelectOptions['log']): Promise<Engine> {
  const reasons: string[] = [];
  for (const driver of ENGINES) {
    try {
      const device = await driver.open();
      if (device.passedOver !== true) return start(driver, device, log);
      device.close();
      log(`engine ${driver.name}: passed over, ${device.slow ?? 'slow'} (${device.device})`);
    } catch (cause) {
      reasons.push(messageOf(cause));
    }
  }
  throw new TwinrouteError('unavailable', `engine: expected one that opens, got: ${reasons.join('; ')}`);
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

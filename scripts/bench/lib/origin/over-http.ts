// The origin as a server under load: `twinroute origin` in one process, the load in another, real HTTP between them.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { withPack } from '../../../../src/cli/open-pack-folder.ts';
import { PACKAGE_ROOT } from '../../../../src/cli/package-root.ts';
import type { DeviceChoice } from '../../../../src/host/devices/select-device.ts';
import type { Random } from '../../../../src/core/random.ts';
import { startChildServer } from '../child-server.ts';
import type { LoadResult, LoadTask } from './load-generator.ts';
import type { LabOptions } from './lab.ts';
import { labPack } from './packs.ts';
import type { LabText } from './texts.ts';

/** A running origin. */
export interface HttpLab {
  /** Experts of its pack. */
  readonly experts: number;
  load(task: Omit<LoadTask, 'url' | 'headers'> & { readonly headers?: LoadTask['headers'] }): Promise<LoadResult>;
  /** Bodies of requests: any of the texts, any of the mixes. */
  bodies(count: number, texts: readonly LabText[], mixes: readonly Float32Array[], random: Random): readonly string[];
}

/** Starts the sample pack's origin as it comes, on a device, while `use` works. */
export async function withHttpLab<T>(
  { threads, instances }: Pick<LabOptions, 'threads' | 'instances'>,
  device: DeviceChoice,
  use: (lab: HttpLab) => Promise<T>,
): Promise<T> {
  const path = await labPack('sample');
  const { model, experts } = await withPack(path, ({ manifest }) =>
    Promise.resolve({ model: manifest.name, experts: manifest.experts.length }),
  );
  const on = ['--threads', String(threads), '--instances', String(instances), '--device', device.name, '--dtype', device.precision];
  const args = [join(PACKAGE_ROOT, 'src/cli/bin.ts'), 'origin', path, '--port', '0', ...on, '--json'];
  const server = await startChildServer([...process.execArgv, ...args], process.env, /"url":"([^"]+)"/);
  try {
    return await use({
      experts,
      async load(task) {
        const child = fork(join(import.meta.dirname, 'load-generator.ts'));
        const full: LoadTask = { headers: {}, ...task, url: `${server.url}/v2/models/${model}/infer` };
        child.send(full);
        const [message] = await once(child, 'message');
        const result: LoadResult = message;
        return result;
      },
      bodies: (count, texts, mixes, random) =>
        Array.from({ length: count }, () => bodyOf(texts[random.below(texts.length)], mixes[random.below(mixes.length)])),
    });
  } finally {
    await server.close();
  }
}

function bodyOf({ text, text_pair: pair }: LabText, mix: Float32Array): string {
  const strings = (name: string, value: string) => ({ name, datatype: 'BYTES', shape: [1], data: [value] });
  return JSON.stringify({
    inputs: [
      strings('text', text),
      ...(pair === undefined ? [] : [strings('text_pair', pair)]),
      { name: 'mix', datatype: 'FP32', shape: [1, mix.length], data: [...mix] },
    ],
  });
}

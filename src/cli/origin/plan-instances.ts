// How runs share a machine. Two that go on side by side with half of the threads each do more than one with all of them: small products gain little by many
// threads, and while one run is prepared the other computes. Each has sessions of its own, though, and with them weights.

import type { DeviceChoice } from '../../host/devices/select-device.ts';

/** Instances that nobody asked for are no more: each takes memory. */
const MOST = 2;

/** Instances of each model, and threads inside an operator of each; onnxruntime's choice where undefined. */
export interface InstancePlan {
  readonly instances: number;
  readonly threads: number | undefined;
}

/** Keeps to what is asked for, and fills the cores with what is not. A GPU runs one thing after another anyway. */
export function planInstances(
  asked: { readonly [K in keyof InstancePlan]?: number | undefined },
  { kind }: Pick<DeviceChoice, 'kind'>,
  cores: number,
): InstancePlan {
  const { threads } = asked;
  if (kind === 'gpu') return { instances: asked.instances ?? 1, threads };
  const instances = asked.instances ?? Math.max(1, Math.min(MOST, Math.floor(cores / (threads ?? 1))));
  return { instances, threads: threads ?? Math.max(1, Math.floor(cores / instances)) };
}

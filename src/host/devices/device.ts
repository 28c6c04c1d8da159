// What onnxruntime-node can run a graph on: one row a device. Whether it can be used here is found out by running on it, see probe-device.ts.

/** A device, by the name of its execution provider. */
export type DeviceName = 'cpu' | 'cuda' | 'webgpu';

/** A row of the table. */
export interface Device {
  readonly name: DeviceName;
  /** GPUs have memory of their own, and half precision is what they are fast at. */
  readonly kind: 'cpu' | 'gpu';
  /** What has to be there, for whoever misses it. */
  readonly needs: string;
}

/** The devices; `auto` tries them in this order, and the last one is always there. */
export const DEVICES: readonly Device[] = [
  {
    name: 'cuda',
    kind: 'gpu',
    needs: "an NVIDIA GPU, its driver, CUDA 12 and cuDNN 9, and onnxruntime-node's CUDA libraries (docs/devices.md)",
  },
  { name: 'webgpu', kind: 'gpu', needs: 'a GPU with a driver for Vulkan, Metal or Direct3D 12, and on Linux the Vulkan loader' },
  { name: 'cpu', kind: 'cpu', needs: 'nothing' },
];

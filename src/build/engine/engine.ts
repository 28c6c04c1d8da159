// What a build computes on: tfjs with one backend, and what is known of the device behind it.

import type * as tfjs from '@tensorflow/tfjs';
import type { MatMul } from '../../core/linalg/matrix.ts';

/** The tfjs module. */
export type Tfjs = typeof tfjs;

/** An engine's name, as on the command line and in manifests. */
export type EngineName = 'tensorflow' | 'webgpu' | 'wasm';

/** A ready engine. tfjs has one active backend in a process, so an engine is used up to the next `selectEngine` or `dispose`. */
export interface Engine {
  readonly name: EngineName;
  /** The device in words, e.g. `CPU, TensorFlow`. */
  readonly device: string;
  readonly tf: Tfjs;
  readonly matmul: MatMul;
  /** Gives back what the engine holds on its device. */
  dispose(): Promise<void>;
}

/** A device that a driver opened. */
export interface Device {
  readonly device: string;
  readonly tf: Tfjs;
  /** Why a build will take long on it. */
  readonly slow?: string;
  /** `auto` passes it over: another engine is faster. */
  readonly passedOver?: boolean;
  close(): void;
}

/** One way to run tfjs; select.ts lists them. */
export interface EngineDriver {
  readonly name: EngineName;
  /**
   * Makes its backend the active one.
   * @throws {TwinrouteError} `unavailable` with the reason when this machine lacks what it needs
   */
  open(): Promise<Device>;
}

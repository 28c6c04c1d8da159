// Models as the build reads them: a base with its parameters by canonical name, and experts as differences to it. Which of the two layouts
// an expert has – a full Hugging Face checkpoint or a PEFT adapter – shows only as the kind of each parameter.

import type { FloatTensor } from '../core/tensor.ts';
import type { HeadMeaning } from '../contract/hf-config.ts';
import type { ModelLayout } from './fit.ts';

/** An open base θ0. */
export interface Base {
  /** Shown in errors. */
  readonly name: string;
  readonly layout: ModelLayout;
  /** Hash that experts may state to be adapted to; undefined when nobody computed it. */
  readonly sha256: string | undefined;
  /** What its tokenizer.json does, spelt canonically; undefined when the folder has none. */
  readonly tokenizer: string | undefined;
  /**
   * A parameter by canonical name.
   * @throws {TwinrouteError} `format` when a value is NaN or infinite
   */
  readFloat(name: string): Promise<FloatTensor>;
}

/** The factors of a difference `scaling · b · a`. */
export interface LoraFactors {
  /** `[r, n]` */
  readonly a: FloatTensor;
  /** `[m, r]` */
  readonly b: FloatTensor;
  readonly scaling: number;
}

/** A parameter `[m, n]` that differs from the base by a low-rank product. */
export interface LoraParameter {
  readonly kind: 'lora';
  readonly rank: number;
  read(): Promise<LoraFactors>;
}

/** Where a parameter of an expert comes from: θ_t itself, a low-rank difference, or the base. */
export type ParameterSource = { readonly kind: 'dense'; read(): Promise<FloatTensor> } | LoraParameter | { readonly kind: 'same' };

/** The output layer of an expert. */
export interface Head {
  /** `[c, d]` */
  readonly weight: FloatTensor;
  /** `[c]` */
  readonly bias: FloatTensor;
}

/** An open expert θ_t. */
export interface ExpertSource extends HeadMeaning {
  /** Shown in errors. */
  readonly name: string;
  readonly kind: 'lora' | 'full';
  readonly head: Head;
  /** The base that an adapter names, as its trainer called it; undefined when nothing is stated. */
  readonly statedBase?: string | undefined;
  /** Where the parameter of that canonical name comes from; nothing is read yet. */
  parameter(name: string): ParameterSource;
}

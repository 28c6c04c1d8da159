// What an architecture has to tell: which parameters it has, with which shapes, and how they compute. `registry.ts` lists them.

import type { Ops } from './ops.ts';

/** One parameter of an architecture. */
export interface ParameterSpec {
  /** Name as in the checkpoint, without prefix. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** A part of an architecture that may have a gate: what enters it may decide its mix. */
export interface GatedPart {
  readonly name: string;
  /** Names of its parameters in checkpoint order. */
  readonly parameters: readonly string[];
}

/** The inputs of an encoder as values of an interpreter, each `[B, T]`. */
export interface EncoderInputs<V> {
  readonly ids: V;
  /** 1 for a token, 0 for padding. */
  readonly mask: V;
  readonly types: V;
}

/** The outputs of an encoder. */
export interface EncoderOutputs<V> {
  /** `[B, T, d]` */
  readonly hidden: V;
  /** What heads read: `[B, 1, d]` */
  readonly pooled: V;
}

/** One definition of an architecture with config `C`; interpreters run it. */
export interface Architecture<C> {
  /** Hugging Face `model_type`. */
  readonly type: string;
  /** Prefixes that a checkpoint may put before parameter names, longest first, e.g. `['bert.', '']`. */
  readonly prefixes: readonly string[];
  /** Parameters of the encoder in checkpoint order (heads excluded). */
  parameters(config: C): readonly ParameterSpec[];
  /** Parts that `encode` runs by `Ops.gated`, in their order. */
  parts(config: C): readonly GatedPart[];
  /** Names of the matrices whose rows are picked, and not multiplied. */
  tables(config: C): readonly string[];
  /** Width that heads read, and of what enters a part. */
  width(config: C): number;
  encode<V>(ops: Ops<V>, config: C, inputs: EncoderInputs<V>): EncoderOutputs<V>;
}

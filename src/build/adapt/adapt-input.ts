// What learning from unlabelled texts is given: the part of a plan that it reads, and what it runs on.

import type { AdaptiveMethod } from '../../core/merge/adaptive.ts';
import type { Parameters, StaticMethod } from '../../core/merge/method.ts';
import type { Progress } from '../../core/progress.ts';
import type { Learnt } from '../../contract/learnt.ts';
import type { Example } from '../../contract/tasks.ts';
import type { Base, ExpertSource } from '../../formats/checkpoint.ts';
import type { OpenArchitecture } from '../../model/registry.ts';
import type { Engine } from '../engine/engine.ts';
import type { TokenizerFiles } from '../plan.ts';

/** An expert with texts in the manner of its task; labels are not read. */
export interface AdaptExpert {
  readonly name: string;
  readonly source: ExpertSource;
  readonly examples: readonly Example[];
}

/** What is merged and what is learnt from. */
export interface AdaptInput<M extends AdaptiveMethod = AdaptiveMethod> {
  readonly method: M;
  readonly parameters: Parameters;
  /** Of each expert, in expert order. */
  readonly expertParameters: readonly Parameters[];
  /** Content hash of everything that the result depends on. */
  readonly id: string;
  readonly model: OpenArchitecture;
  readonly base: Base;
  readonly experts: readonly AdaptExpert[];
  readonly tokenizer: TokenizerFiles;
  readonly maxTokens: number;
  readonly seed: number;
}

/** A small text that outlives the process. */
export interface Checkpoint {
  /** undefined when there is none. */
  read(): Promise<string | undefined>;
  /** Replaces it whole or not at all. */
  write(text: string): Promise<void>;
}

/** What learning runs on and tells. */
export interface AdaptDeps {
  readonly engine: Engine;
  readonly progress: Progress;
  /** Where learning that takes minutes leaves its state. */
  readonly checkpoint: Checkpoint;
}

/** The plain method of each parameter, by its name. */
export type MethodOf = (parameter: string) => StaticMethod;

/** What learning ends in. */
export interface Adapted {
  readonly methodOf: MethodOf;
  /** For the manifest; undefined for a method that does not learn. */
  readonly learnt: Learnt | undefined;
}

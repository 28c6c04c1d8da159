// Looks at the models of a merge before the merge: what their task vectors are like, and which experts are suspicious. Out of core, a few
// seconds for adapters of a small model; it reads full checkpoints once.

import { findingsOf, type Finding } from '../../core/diagnose/findings.ts';
import { findOtherBases } from '../../core/diagnose/stated-bases.ts';
import { createTaskVectorFacts, type TaskVectorFacts } from '../../core/diagnose/task-vectors.ts';
import { isTwinrouteError, type TwinrouteError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Base, ExpertSource } from '../../formats/checkpoint.ts';
import { refusalOf } from './refusal.ts';
import { viewParameter } from './parameter-view.ts';

/** Models to look at. */
export interface DiagnosisInput {
  readonly base: Base;
  /** What the base's card says that it is; undefined when it says nothing. */
  readonly baseSource: string | undefined;
  readonly experts: readonly { readonly name: string; readonly source: ExpertSource }[];
  /** Seeds the sample of rows. */
  readonly seed: number;
}

/** What was seen. */
export interface Diagnosis extends TaskVectorFacts {
  /** Names of the experts that the facts are about, in their order. */
  readonly names: readonly string[];
  readonly findings: readonly Finding[];
}

/**
 * Diagnoses models. An expert with broken weights is a finding, and the facts are about the others.
 * @throws {TwinrouteError} `format` when the base itself is broken
 */
export async function diagnose(input: DiagnosisInput, progress: Progress): Promise<Diagnosis> {
  const { base, baseSource, experts, seed } = input;
  const collected = createTaskVectorFacts(experts.length);
  const { parameters } = base.layout;
  let broken: { readonly index: number; readonly error: TwinrouteError } | undefined;
  const guard = async <S>(index: number, read: () => Promise<S>): Promise<S> => {
    try {
      return await read();
    } catch (error) {
      if (isTwinrouteError(error)) broken = { index, error };
      throw error;
    }
  };
  try {
    for (const [done, { name }] of parameters.entries()) {
      progress({ stage: 'diagnose', done, total: parameters.length, note: name });
      const sources = experts.map(({ source }) => source.parameter(name));
      const view = await viewParameter(name, () => base.readFloat(name), sources, seed, guard);
      if (view !== undefined) collected.add(view);
    }
  } catch (error) {
    if (broken === undefined) throw error;
    const { index, error: cause } = broken;
    const rest = await diagnose({ ...input, experts: experts.filter((_, t) => t !== index) }, progress);
    return { ...rest, findings: [refusalOf(experts[index].name, cause), ...rest.findings] };
  }
  progress({ stage: 'diagnose', done: parameters.length, total: parameters.length });
  const names = experts.map(({ name }) => name);
  const facts = collected.facts();
  const stated = experts.map(({ name, source }) => ({ name, statedBase: source.statedBase }));
  return { names, ...facts, findings: [...findOtherBases(stated, { source: baseSource, folder: base.name }), ...findingsOf(names, facts)] };
}

// Statistics of all task vectors of a merge, collected a parameter at a time: norms, relative norms, cosines and sign conflicts.
//
// Letters: T experts.

import { countConflicts } from './sign-conflicts.ts';

/** What one parameter tells. */
export interface ParameterView {
  readonly name: string;
  /** Its number of entries. */
  readonly size: number;
  /** ‖θ0‖² of it. */
  readonly baseEnergy: number;
  /** ⟨τ_t, τ_u⟩, `[T, T]`. */
  readonly gram: Float64Array;
  /** The same entries of each τ_t, at least one; zeros where the expert equals the base. */
  readonly samples: readonly Float64Array[];
}

/** An expert's task vector. */
export interface VectorFacts {
  /** ‖τ_t‖ over the encoder. */
  readonly norm: number;
  /** ‖τ_t‖ / ‖θ0‖ over the parameters that some expert changes. */
  readonly relative: number;
  /** ‖τ_t‖ / ‖θ0‖ of each parameter that the expert changes; undefined for a base of zeros. */
  readonly tensors: Readonly<Record<string, number | undefined>>;
}

/** All task vectors of a merge. */
export interface TaskVectorFacts {
  readonly experts: readonly VectorFacts[];
  /** cos(τ_t, τ_u), `[T][T]`; 0 beside a zero vector. */
  readonly cosines: readonly (readonly number[])[];
  /** Share of the entries that both change with opposite signs, `[T][T]`; 0 where they share none. */
  readonly signConflicts: readonly (readonly number[])[];
  /** Share of the entries that at least two experts change whose signs are not all the same. */
  readonly conflictRate: number;
  /** Largest norm over smallest, zero vectors left out; 1 when there are fewer than two others. */
  readonly normRatio: number;
}

/** Collects facts of `count` experts. */
export function createTaskVectorFacts(count: number): { add(view: ParameterView): void; facts(): TaskVectorFacts } {
  const gram = new Float64Array(count * count);
  const both = new Float64Array(count * count);
  const opposed = new Float64Array(count * count);
  const tensors: Record<string, number | undefined>[] = Array.from({ length: count }, () => ({}));
  let baseEnergy = 0;
  let shared = 0;
  let conflicting = 0;

  const square = (value: (t: number, u: number) => number): number[][] =>
    Array.from({ length: count }, (_, t) => Array.from({ length: count }, (_, u) => value(t, u)));

  return {
    add({ name, size, baseEnergy: energy, gram: own, samples }) {
      const counts = countConflicts(samples);
      // Every parameter counts by its size, whatever share of it was sampled.
      const scale = size / samples[0].length;
      for (let i = 0; i < gram.length; i++) {
        gram[i] += own[i];
        both[i] += scale * counts.both[i];
        opposed[i] += scale * counts.opposed[i];
      }
      shared += scale * counts.shared;
      conflicting += scale * counts.conflicting;
      baseEnergy += energy;
      for (let t = 0; t < count; t++) {
        const changed = own[t * count + t];
        if (changed > 0) tensors[t][name] = energy > 0 ? Math.sqrt(changed / energy) : undefined;
      }
    },
    facts() {
      const norms = Array.from({ length: count }, (_, t) => Math.sqrt(Math.max(0, gram[t * count + t])));
      const moved = norms.filter((norm) => norm > 0);
      return {
        experts: norms.map((norm, t) => ({ norm, relative: norm / Math.sqrt(baseEnergy || 1), tensors: tensors[t] })),
        cosines: square((t, u) =>
          norms[t] * norms[u] === 0 ? 0 : t === u ? 1 : Math.max(-1, Math.min(1, gram[t * count + u] / (norms[t] * norms[u]))),
        ),
        signConflicts: square((t, u) => opposed[t * count + u] / (both[t * count + u] || 1)),
        conflictRate: conflicting / (shared || 1),
        normRatio: moved.length < 2 ? 1 : Math.max(...moved) / Math.min(...moved),
      };
    },
  };
}

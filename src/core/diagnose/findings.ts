// What is suspicious about the task vectors of a merge, and what its user can do about it. Warnings, never refusals: a merge of such
// experts can still be what somebody wants.

import type { TaskVectorFacts } from './task-vectors.ts';

/** Something to know before merging. */
export interface Finding {
  /** `broken_weights`, `other_tokenizer`, `other_base` and `does_not_fit` come from opening the models, the others from their weights. */
  readonly code:
    | 'broken_weights'
    | 'other_tokenizer'
    | 'other_base'
    | 'does_not_fit'
    | 'no_change'
    | 'identical'
    | 'norm_mismatch'
    | 'far_from_base'
    | 'opposed';
  /** Names of the experts concerned. */
  readonly experts: readonly string[];
  /** What was found. */
  readonly message: string;
  /** What to do about it, one sentence. */
  readonly advice: string;
}

/**
 * Limits above (below, for `opposed`) which something is said. Ours: no paper states any.
 * - `normRatio`: an expert three times as long as another has nine times its weight in the energy of a sum.
 * - `relative`: fine-tuning moves a model by a few percent; half of its own length is another model, or a broken run.
 * - `opposed`: unrelated vectors of millions of entries have cosines near 0.
 * - `identical`: cosine and ratio of norms, beyond the rounding of half precision.
 */
export const LIMITS = { normRatio: 3, relative: 0.5, opposed: -0.2, identical: 0.9999 } as const;

/**
 * The findings of facts.
 * @param names of the experts, in the order of `facts`
 */
export function findingsOf(names: readonly string[], facts: TaskVectorFacts): readonly Finding[] {
  return [...unchanged(names, facts), ...pairs(names, facts), ...unlikeNorms(names, facts), ...farFromBase(names, facts)];
}

function unchanged(names: readonly string[], { experts }: TaskVectorFacts): readonly Finding[] {
  const same = names.filter((_, t) => experts[t].norm === 0);
  return same.map((name) => ({
    code: 'no_change',
    experts: [name],
    message: `${name} equals the base: not one weight of its encoder differs`,
    advice:
      'Check that the folder holds the trained model (an adapter whose B factors are zero was saved before training), or leave the expert out.',
  }));
}

function pairs(names: readonly string[], { experts, cosines }: TaskVectorFacts): readonly Finding[] {
  return names.flatMap((first, t) =>
    names.slice(t + 1).flatMap((second, offset): Finding[] => {
      const u = t + 1 + offset;
      const cosine = cosines[t][u];
      const [low, high] = [experts[t].norm, experts[u].norm].sort((a, b) => a - b);
      if (cosine >= LIMITS.identical && low >= LIMITS.identical * high) {
        return [
          {
            code: 'identical',
            experts: [first, second],
            message: `${first} and ${second} are the same model: cosine ${cosine.toFixed(5)}, equal norms`,
            advice: 'Keep one of them: two copies count twice in the shared model and cost a module each.',
          },
        ];
      }
      if (cosine > LIMITS.opposed) return [];
      return [
        {
          code: 'opposed',
          experts: [first, second],
          message: `${first} and ${second} pull against each other: cosine ${cosine.toFixed(3)}, below ${LIMITS.opposed}`,
          advice:
            'Expect them to cancel in any static merge: raise the rank so that their exclusive modules hold what the shared model loses, or merge them in separate packs.',
        },
      ];
    }),
  );
}

function unlikeNorms(names: readonly string[], { experts, normRatio }: TaskVectorFacts): readonly Finding[] {
  if (normRatio <= LIMITS.normRatio) return [];
  const moved = names.map((name, t) => ({ name, norm: experts[t].norm })).filter(({ norm }) => norm > 0);
  const ranked = moved.sort((a, b) => a.norm - b.norm);
  const [shortest, longest] = [ranked[0], ranked[ranked.length - 1]];
  const middle = ranked[ranked.length >> 1].norm;
  const weights = [longest, shortest].map(({ name, norm }) => `${(middle / norm).toPrecision(2)} for ${name}`).join(' and ');
  return [
    {
      code: 'norm_mismatch',
      experts: [longest.name, shortest.name],
      message: `task vectors of unlike length: ${longest.name} ${longest.norm.toPrecision(3)} is ${normRatio.toFixed(1)} times ${shortest.name} ${shortest.norm.toPrecision(3)}, more than ${LIMITS.normRatio}`,
      advice: `Even them out with models[].parameters.weight (${weights} bring both to the median), or the longest decides the shared model.`,
    },
  ];
}

function farFromBase(names: readonly string[], { experts }: TaskVectorFacts): readonly Finding[] {
  return names.flatMap((name, t): Finding[] => {
    const { relative } = experts[t];
    if (relative <= LIMITS.relative) return [];
    return [
      {
        code: 'far_from_base',
        experts: [name],
        message: `${name} is far from the base: its task vector has ${relative.toFixed(2)} times the base's norm, more than ${LIMITS.relative}`,
        advice:
          'Check that base_model is the model it was fine-tuned from and that its training did not diverge; a difference of that size does not compress to a low rank.',
      },
    ];
  });
}

// Scores of many tasks as one number: percent of the experts' own.

/** A task's score beside its expert's. */
export interface ScoredTask {
  readonly task: string;
  readonly score: number | null;
  /** Null where it is not known. */
  readonly individual: number | null;
}

/** A summary over tasks. */
export interface Normalised {
  /** Mean percent of the experts' own scores. */
  readonly mean: number;
  readonly worst: { readonly task: string; readonly percent: number };
  /** The mean without the task that is left out; null when it is the only one or none is. */
  readonly mean_without: number | null;
}

/**
 * The summary over the tasks whose own score is known and above 0; null without any.
 * @param leftOut a task whose score says little, which one mean goes without
 */
export function normalise(tasks: readonly ScoredTask[], leftOut: string | undefined): Normalised | null {
  const shares = tasks.flatMap(({ task, score, individual }) =>
    score !== null && individual !== null && individual > 0 ? [{ task, percent: (100 * score) / individual }] : [],
  );
  if (shares.length === 0) return null;
  const mean = (of: readonly { readonly percent: number }[]): number => of.reduce((sum, { percent }) => sum + percent, 0) / of.length;
  const others = shares.filter(({ task }) => task !== leftOut);
  return {
    mean: mean(shares),
    worst: shares.reduce((low, share) => (share.percent < low.percent ? share : low)),
    mean_without: others.length === 0 || others.length === shares.length ? null : mean(others),
  };
}

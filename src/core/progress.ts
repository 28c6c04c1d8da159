// How long work tells what it is doing, without knowing who listens: a bar on a terminal, plain lines in a log, or nobody.

/** One report: `done` of `total` steps of a stage. */
export interface ProgressEvent {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  /** What is being worked on. */
  readonly note?: string;
}

/** Takes reports; called at most a few thousand times a stage. */
export type Progress = (event: ProgressEvent) => void;

/** A listener that does nothing. */
export const noProgress: Progress = () => undefined;

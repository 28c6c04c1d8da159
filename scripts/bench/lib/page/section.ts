// What a bench says on docs/performance.md.

import type { Estimate } from '../statistics.ts';

/** One figure. One without a target was asked for by nobody and is there to be known. */
export interface Line {
  readonly what: string;
  readonly target?: string;
  readonly measured: string;
  /** Whether the target was met, where a number tells. */
  readonly met?: boolean;
}

/** A picture beside the figures. */
export interface Plot {
  /** File in docs/bench. */
  readonly file: string;
  readonly about: string;
  readonly svg: string;
}

/** A bench's part of the page. */
export interface Section {
  readonly title: string;
  /** How it was measured: what a reader needs to believe the figures, and to know their limits. */
  readonly about: string;
  readonly lines: readonly Line[];
  readonly plots?: readonly Plot[];
  /** What else is known, each with its own date where it was measured apart. */
  readonly notes?: readonly string[];
}

/** A value with its interval, `digits` behind the point. */
export function spellEstimate({ value, low, high }: Estimate, digits: number, unit = ''): string {
  return `${value.toFixed(digits)}${unit} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

/** Bytes as megabytes. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

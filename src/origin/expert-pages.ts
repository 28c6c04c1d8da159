// Experts of a pack that come into memory and leave it one by one, as the operator, a scrape and a server that runs out of memory see them.

/** Counts since the pack was loaded, and levels. */
export interface PageCounts {
  readonly registered: number;
  readonly resident: number;
  /** Of factors in memory. */
  readonly bytes: number;
  readonly pageIns: number;
  readonly evictions: number;
}

/** The experts of a pack. */
export interface ExpertPages {
  /** Makes an expert available again, and brings it into memory. @throws what reading it throws */
  load(name: string): Promise<void>;
  /** Rows that mix the expert are refused from now on; those that were let in finish. */
  unload(name: string): void;
  counts(): PageCounts;
  /** Forgets all factors: they are read again when they are asked for. */
  drop(): void;
}

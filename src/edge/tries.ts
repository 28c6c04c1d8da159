// What one request has been through: whom it asked, how often in vain, and whom it will not ask again.

/** A request's memory of its attempts. */
export interface Tries {
  /** Attempts that have begun. */
  readonly count: number;
  begun(id: string): void;
  /** Notes a failure. @param health what it says of the endpoint, which may be asked once more where that is doubtful */
  failed(id: string, health: 'up' | 'doubtful' | 'down' | 'unknown'): void;
  /** Doubtful failures at an endpoint. */
  failuresAt(id: string): number;
  isUntried(id: string): boolean;
  isBarred(id: string): boolean;
  /** Whether the last failure was an endpoint's that was not reached or did not answer. */
  readonly metDown: boolean;
}

/** No attempt yet. */
export function createTries(): Tries {
  const failures = new Map<string, number>();
  const barred = new Set<string>();
  let count = 0;
  let metDown = false;
  return {
    get count() {
      return count;
    },
    get metDown() {
      return metDown;
    },
    begun(id) {
      count += 1;
      failures.set(id, failures.get(id) ?? 0);
    },
    failed(id, health) {
      metDown = health === 'down';
      if (health === 'doubtful') failures.set(id, (failures.get(id) ?? 0) + 1);
      else barred.add(id);
    },
    failuresAt: (id) => failures.get(id) ?? 0,
    isUntried: (id) => !failures.has(id),
    isBarred: (id) => barred.has(id),
  };
}

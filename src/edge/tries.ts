// What one request has been through: whom it asked, how often in vain, and whom it will not ask again.

/** A request's memory of its attempts. */
export interface Tries {
  /** Attempts that have begun. */
  readonly count: number;
  begun(id: string): void;
  /** Notes a failure. @param again the endpoint may be asked once more */
  failed(id: string, again: boolean): void;
  /** Doubtful failures at an endpoint. */
  failuresAt(id: string): number;
  isUntried(id: string): boolean;
  isBarred(id: string): boolean;
}

/** No attempt yet. */
export function createTries(): Tries {
  const failures = new Map<string, number>();
  const barred = new Set<string>();
  let count = 0;
  return {
    get count() {
      return count;
    },
    begun(id) {
      count += 1;
      failures.set(id, failures.get(id) ?? 0);
    },
    failed(id, again) {
      if (again) failures.set(id, (failures.get(id) ?? 0) + 1);
      else barred.add(id);
    },
    failuresAt: (id) => failures.get(id) ?? 0,
    isUntried: (id) => !failures.has(id),
    isBarred: (id) => barred.has(id),
  };
}

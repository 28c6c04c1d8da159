// Good and bad answers of the last seconds, in slots of one second.

/** How far back it looks, seconds. */
const SLOTS = 10;

/** Answers of a window. */
export interface Outcomes {
  readonly good: number;
  readonly bad: number;
}

/** A sliding window over answers. */
export interface OutcomeWindow {
  add(good: boolean, nowMs: number): void;
  count(nowMs: number): Outcomes;
  clear(): void;
}

interface Slot {
  second: number;
  good: number;
  bad: number;
}

/** An empty window. Cost: O(1) to add, O(slots) to count. */
export function createOutcomeWindow(): OutcomeWindow {
  const slots: Slot[] = Array.from({ length: SLOTS }, () => ({ second: -1, good: 0, bad: 0 }));
  return {
    add(good, nowMs) {
      const second = Math.floor(nowMs / 1000);
      const slot = slots[second % SLOTS];
      if (slot.second !== second) Object.assign(slot, { second, good: 0, bad: 0 });
      if (good) slot.good += 1;
      else slot.bad += 1;
    },
    count(nowMs) {
      const oldest = Math.floor(nowMs / 1000) - SLOTS;
      let good = 0;
      let bad = 0;
      for (const slot of slots) {
        if (slot.second <= oldest) continue;
        good += slot.good;
        bad += slot.bad;
      }
      return { good, bad };
    },
    clear() {
      for (const slot of slots) slot.second = -1;
    },
  };
}

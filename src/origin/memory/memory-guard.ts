// A ceiling on memory. Below it everything is as always; near it the origin gives back what only makes it faster; at it new work is refused until there is room again.
// What the process takes is measured (its resident size), and what it has let in since is added, as a measurement is always a little old.

import { messageOf, TwinrouteError } from '../../core/errors.ts';
import type { Clock } from '../clock.ts';

/** What the guard needs. */
export interface MemoryGuardOptions {
  readonly ceilingBytes: number;
  /** Resident bytes of the process, now. Cost: a call to the system */
  readonly resident: () => number;
  /** Gives garbage back. Cost: tens of milliseconds */
  readonly collect: () => void;
  /** Gives caches back. */
  readonly relieve: () => Promise<void>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** For whoever watches. */
export interface MemoryCounts {
  readonly usedBytes: number;
  readonly ceilingBytes: number;
  /** Requests that were refused for want of memory. */
  readonly refused: number;
  /** How often caches were given back. */
  readonly relieved: number;
}

/** A watched ceiling. */
export interface MemoryGuard {
  /**
   * Lets in work that takes about this many bytes; the returned function lets it out.
   * @throws {TwinrouteError} `unavailable` with `retryAfterSeconds` when there is no room and other work under way, or much is asked for
   */
  enter(bytes: number): () => void;
  /** Makes room for a pack. @throws {TwinrouteError} `unavailable` when it does not fit even with empty caches */
  makeRoom(what: string, bytes: number): Promise<void>;
  counts(): MemoryCounts;
  /** Ends its timer. */
  close(): void;
}

/** Share of the ceiling from which on caches are given back. */
const NEAR = 0.9;
/** Share of the ceiling that work may take which is let in whatever is measured, where there is no other. */
const SMALL = 0.01;
/** How old a measurement may get. Milliseconds. */
const MEASURE_MS = 50;
/** How often the guard looks by itself. Milliseconds. */
const LOOK_MS = 500;
/** Between two times that caches are given back: they are worth nothing if they never live. Milliseconds. */
const RELIEVE_EVERY_MS = 5000;
/** Between two times that garbage is collected. Milliseconds. */
const COLLECT_EVERY_MS = 1000;
/** Between two lines of the log. Milliseconds. */
const TELL_EVERY_MS = 10_000;

/** Starts to watch. */
export function createMemoryGuard({ ceilingBytes, resident, collect, relieve, clock, log }: MemoryGuardOptions): MemoryGuard {
  let inside = 0;
  let measured = { bytes: resident(), inside: 0, atMs: clock.now() };
  let relievedAtMs = -Infinity;
  let relieving: Promise<void> | undefined;
  let refused = 0;
  let relieved = 0;
  let collectedAtMs = -Infinity;
  let toldAtMs = -Infinity;

  const used = (): number => {
    if (clock.now() - measured.atMs >= MEASURE_MS) measured = { bytes: resident(), inside, atMs: clock.now() };
    return measured.bytes + Math.max(0, inside - measured.inside);
  };
  const relieveNow = async (): Promise<void> => {
    try {
      await relieve();
    } catch (error) {
      log(`memory: caches could not be given back: ${messageOf(error)}`);
    }
    relieved += 1;
    relievedAtMs = clock.now();
    relieving = undefined;
    sweep();
  };
  const giveBack = (): Promise<void> => (relieving ??= relieveNow());
  const sweep = (): void => {
    collect();
    collectedAtMs = clock.now();
    measured = { bytes: resident(), inside, atMs: clock.now() };
  };
  const isNear = (): boolean => used() > NEAR * ceilingBytes;
  /** Garbage first: caches are given back where that does not help. */
  const look = (): void => {
    if (!isNear()) return;
    if (clock.now() - collectedAtMs >= COLLECT_EVERY_MS) sweep();
    if (isNear() && clock.now() - relievedAtMs >= RELIEVE_EVERY_MS) void giveBack();
  };
  let cancel = (): void => undefined;
  const later = (): void => {
    cancel = clock.after(LOOK_MS, () => {
      look();
      later();
    });
  };
  later();

  return {
    enter(bytes) {
      look();
      const now = used() + bytes;
      // What a process holds with nothing under way it uses again, though the allocator does not give it back: alone, small work goes on, one at a time.
      const alone = inside === 0 && bytes <= SMALL * ceilingBytes;
      if (now > ceilingBytes && !alone) {
        refused += 1;
        if (clock.now() - toldAtMs >= TELL_EVERY_MS) {
          toldAtMs = clock.now();
          log(`memory: ${megabytes(now)} of ${megabytes(ceilingBytes)} MB; new work is refused until there is room`);
        }
        throw new TwinrouteError(
          'unavailable',
          `origin: expected at most ${megabytes(ceilingBytes)} MB in use, got ${megabytes(now)} with this request`,
          {
            retryAfterSeconds: 1,
          },
        );
      }
      inside += bytes;
      return () => {
        inside -= bytes;
      };
    },
    async makeRoom(what, bytes) {
      if (used() + bytes > ceilingBytes) sweep();
      if (used() + bytes > ceilingBytes) await giveBack();
      const now = used();
      if (now + bytes > ceilingBytes)
        throw new TwinrouteError(
          'unavailable',
          `${what}: expected about ${megabytes(bytes)} MB of free memory to load it, got ${megabytes(Math.max(0, ceilingBytes - now))} below the ceiling of ${megabytes(ceilingBytes)}`,
          { param: 'memory_mb' },
        );
    },
    counts: () => ({ usedBytes: used(), ceilingBytes, refused, relieved }),
    close: () => cancel(),
  };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
